// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_PIPE_HPP
#define SLK_TOOL_PIPE_HPP

/// `slk link --pipe` and `slk listen --pipe`: copies stdin to the link's connection, and received
/// bytes to stdout.

#include "output.hpp"

#include <serverlink/link.hpp>
#include <serverlink/loop.hpp>

#include <cstdint>
#include <functional>
#include <memory>

namespace slk::tool {

enum class pipe_life : std::uint8_t {
    reconnects, ///< another connection takes the place of a lost one
    one_connection,
};

/// It holds at most one chunk of stdin: the thread that reads waits until the chunk has been sent.
/// Without a connection a chunk waits for the next one. A chunk in flight when the connection
/// breaks may be lost in part or as a whole; it is not sent twice. Thread of the loop.
class pipe {
public:
    /// `ended` is called with no failure once all of stdin was sent and the peer has finished, too;
    /// of one connection also when the peer has finished and stdin has brought nothing for a while,
    /// and with the failure that has ended the connection.
    pipe(loop& on, printer& out, pipe_life life, std::function<void(const error&)> ended);
    pipe(const pipe&) = delete;
    pipe& operator=(const pipe&) = delete;
    /// The reading thread may still wait for input; it does not use this object any more.
    ~pipe();

    /// Starts to read stdin.
    void start();
    void connected(stream established);

private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace slk::tool

#endif
