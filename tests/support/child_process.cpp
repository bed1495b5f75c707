// SPDX-License-Identifier: MPL-2.0
#include "child_process.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

#include <signal.h>

namespace slk::testing {

child_process::child_process(std::vector<std::string> words)
{
    if (words.empty())
        return;
    try {
        process_.emplace(std::move(words), tool::error_output::to_reader,
                         [this](std::string_view bytes) { output_.add(bytes); });
    } catch (const std::runtime_error&) {
        // There is no process then, and a test sees that by its output.
        output_.add({});
    }
}

pid_t child_process::id() const
{
    return process_ ? static_cast<pid_t>(process_->id()) : -1;
}

std::optional<std::string> child_process::line()
{
    return process_ ? output_.next(std::chrono::minutes(1)) : std::nullopt;
}

bool child_process::says(const std::string& text)
{
    for (auto next = line(); next; next = line())
        if (next->find(text) != std::string::npos)
            return true;
    return false;
}

void child_process::interrupt(int signal)
{
    if (process_ && !process_->ended())
        ::kill(id(), signal);
}

int child_process::end()
{
    while (line()) {
    }
    // Its output ends when it ends; only a process that hangs keeps it open.
    if (!process_ || !output_.ended())
        return -1;
    process_->wait();
    return process_->exit_code().value_or(-1);
}

} // namespace slk::testing
