// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_STREAMS_HPP
#define SLK_TESTS_SUPPORT_STREAMS_HPP

/// Sends and receives on a stream whose results outlive the test case: it may end while one is
/// under way.

#include <serverlink/stream.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slk::testing {

[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text)
{
    return std::as_bytes(std::span(text.data(), text.size()));
}

/// Text in which each byte depends on its position.
[[nodiscard]] inline std::string patterned_text(std::size_t size)
{
    std::string text(size, '\0');
    for (std::size_t index = 0; index < size; ++index)
        text[index] = static_cast<char>(index * 31 + index / 256);
    return text;
}

/// Reads a stream to its end, in pieces of at most `piece` bytes.
class reader {
    struct state {
        std::string text;
        int completions = 0;
        bool reached_end = false;
        error failure{};
        stream* from = nullptr;
        std::vector<std::byte> buffer;
    };
    std::shared_ptr<state> state_;

public:
    explicit reader(stream& from, std::size_t piece = 4096)
        : state_(std::make_shared<state>()), text(state_->text), completions(state_->completions),
          reached_end(state_->reached_end), failure(state_->failure)
    {
        state_->from = &from;
        state_->buffer.resize(piece);
        receive(state_);
    }
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;

    const std::string& text;
    const int& completions;
    const bool& reached_end;
    const error& failure;
    [[nodiscard]] bool finished() const { return reached_end || failure; }

private:
    static void receive(const std::shared_ptr<state>& self)
    {
        const auto started =
            self->from->receive(self->buffer, [self](result<std::size_t> received) {
                ++self->completions;
                if (!received) {
                    self->failure = received.error();
                } else if (*received == 0) {
                    self->reached_end = true;
                } else {
                    self->text.append(reinterpret_cast<const char*>(self->buffer.data()),
                                      *received);
                    receive(self);
                }
            });
        if (!started)
            self->failure = started.error();
    }
};

/// One send, and its result.
class stream_sender {
    struct state {
        std::string text;
        bool done = false;
        error failure{};
    };
    std::shared_ptr<state> state_;

public:
    stream_sender(stream& to, std::string text)
        : state_(std::make_shared<state>()), done(state_->done), failure(state_->failure)
    {
        state_->text = std::move(text);
        const auto started =
            to.send(bytes_of(state_->text), [self = state_](result<std::size_t> sent) {
                self->done = true;
                if (!sent)
                    self->failure = sent.error();
            });
        if (!started)
            state_->failure = started.error();
    }
    stream_sender(const stream_sender&) = delete;
    stream_sender& operator=(const stream_sender&) = delete;

    const bool& done;
    const error& failure;
};

} // namespace slk::testing

#endif
