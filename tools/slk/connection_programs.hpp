// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_CONNECTION_PROGRAMS_HPP
#define SLK_TOOL_CONNECTION_PROGRAMS_HPP

/// `slk listen --exec`: a process for each connection.

#include <serverlink/result.hpp>
#include <serverlink/stream.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace slk::tool {

/// Runs one command line, which the shell reads (/bin/sh -c), for each connection that it is given.
/// Its stdin and stdout are the connection, its stderr is that of this program, and the environment
/// variable SLK_PEER has the peer's address.
class connection_programs {
public:
    /// `ended` is called on another thread whenever a process has ended.
    connection_programs(std::string command_line, std::function<void()> ended);
    connection_programs(const connection_programs&) = delete;
    connection_programs& operator=(const connection_programs&) = delete;
    /// Terminates the processes that are left (SIGTERM), and waits for them. Those that go on are
    /// killed after some seconds.
    ~connection_programs();

    /// Whether this system can give a socket to a process in this way.
    [[nodiscard]] static bool are_supported() noexcept;
    /// Thread of the loop. No operation of the stream is under way; the process owns the connection
    /// afterwards.
    [[nodiscard]] result<void> start(stream accepted);
    /// Any thread.
    [[nodiscard]] std::size_t running() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace slk::tool

#endif
