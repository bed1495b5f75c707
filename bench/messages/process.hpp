// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_PROCESS_HPP
#define BENCH_MESSAGES_PROCESS_HPP

/// This program once more, as a child that is killed when its owner has no more use for it.

#include "meters.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace bench {

class process {
public:
    explicit process(std::vector<std::string> words);
    ~process();
    process(const process&) = delete;
    process& operator=(const process&) = delete;

    /// The next line that it writes. Nothing, and trouble() says why: it has ended, or the time
    /// has passed.
    std::optional<std::string> read_line(steady::time_point deadline);
    [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }

    /// Of all its threads, so far.
    [[nodiscard]] double cpu_seconds() const;

private:
    void note_end();

    pid_t id_ = -1;
    int output_ = -1;
    std::string unread_;
    std::string trouble_;
};

} // namespace bench

#endif
