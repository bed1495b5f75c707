// SPDX-License-Identifier: MPL-2.0
#include "standard_input.hpp"

#include "interruption.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace slk::tool {

namespace {

using namespace std::chrono_literals;

/// The thread reads ahead at most this.
constexpr std::size_t max_bytes_ahead = 4 * input_chunk_size;
/// An interruption is noticed after this time.
constexpr auto interruption_check_interval = 20ms;

} // namespace

struct standard_input::shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::string bytes;
    bool ended = false;
    bool closed = false;
};

standard_input::standard_input(interruption& ctrl_c)
    : ctrl_c_(ctrl_c), shared_(std::make_shared<shared>())
{
    std::thread([to = shared_] {
        std::vector<std::byte> chunk(input_chunk_size);
        for (;;) {
            const std::size_t count = read_standard_input(chunk);
            std::unique_lock hold(to->mutex);
            to->bytes.append(reinterpret_cast<const char*>(chunk.data()), count);
            to->ended = count == 0;
            to->changed.notify_all();
            to->changed.wait(hold,
                             [&] { return to->closed || to->bytes.size() < max_bytes_ahead; });
            if (to->ended || to->closed)
                return;
        }
    }).detach();
}

standard_input::~standard_input()
{
    const std::lock_guard hold(shared_->mutex);
    shared_->closed = true;
    shared_->changed.notify_all();
}

bool standard_input::more()
{
    std::unique_lock hold(shared_->mutex);
    while (shared_->bytes.empty() && !shared_->ended) {
        if (ctrl_c_.requested())
            return false;
        shared_->changed.wait_for(hold, interruption_check_interval);
    }
    if (ctrl_c_.requested() || shared_->bytes.empty())
        return false;
    buffer_.erase(0, std::exchange(used_, 0));
    buffer_ += std::exchange(shared_->bytes, {});
    shared_->changed.notify_all();
    return true;
}

std::optional<std::string> standard_input::line()
{
    auto text = until("\n");
    if (text && text->ends_with('\r'))
        text->pop_back();
    return text;
}

std::optional<std::string> standard_input::until(const std::string& delimiter)
{
    std::size_t searched = used_;
    std::size_t end = 0;
    while ((end = buffer_.find(delimiter, searched)) == std::string::npos) {
        const std::size_t left = buffer_.size() - used_;
        if (!more()) {
            if (left == 0 || ctrl_c_.requested())
                return std::nullopt;
            end = buffer_.size();
            break;
        }
        // Its beginning may have been there already.
        searched = left < delimiter.size() ? 0 : left - delimiter.size() + 1;
    }
    std::string text = buffer_.substr(used_, end - used_);
    used_ = std::min(end + delimiter.size(), buffer_.size());
    return text;
}

std::optional<std::string> standard_input::rest()
{
    while (more()) {
    }
    if (ctrl_c_.requested())
        return std::nullopt;
    return std::exchange(buffer_, {}).substr(std::exchange(used_, 0));
}

} // namespace slk::tool
