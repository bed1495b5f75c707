// SPDX-License-Identifier: MPL-2.0
#include "tools/support/output_lines.hpp"

namespace slk::tool {

void output_lines::add(std::string_view bytes)
{
    std::unique_lock hold(mutex_);
    changed_.wait(hold, [&] { return closed_ || waiting_ > 0 || text_.size() < max_bytes_; });
    ended_ = bytes.empty();
    if (!closed_)
        text_ += bytes;
    changed_.notify_all();
}

std::optional<std::string> output_lines::next(duration timeout)
{
    std::unique_lock hold(mutex_);
    std::size_t end = std::string::npos;
    ++waiting_;
    changed_.notify_all();
    changed_.wait_for(hold, timeout, [&] {
        end = text_.find('\n', searched_);
        searched_ = text_.size();
        return end != std::string::npos || ended_;
    });
    --waiting_;
    if (end == std::string::npos)
        return std::nullopt;
    std::string line = text_.substr(0, end);
    text_.erase(0, end + 1);
    searched_ = 0;
    changed_.notify_all(); // add() may wait for room
    if (line.ends_with('\r'))
        line.pop_back();
    return line;
}

bool output_lines::ended()
{
    const std::lock_guard hold(mutex_);
    return ended_ && text_.find('\n') == std::string::npos;
}

void output_lines::discard_rest()
{
    const std::lock_guard hold(mutex_);
    text_.clear();
    searched_ = 0;
    changed_.notify_all();
}

void output_lines::close()
{
    discard_rest();
    const std::lock_guard hold(mutex_);
    closed_ = true;
    changed_.notify_all();
}

} // namespace slk::tool
