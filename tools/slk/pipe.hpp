// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_PIPE_HPP
#define SLK_TOOL_PIPE_HPP

/// `slk link --pipe`: stdin goes to whatever connection the link has, what arrives goes to stdout.

#include "output.hpp"

#include <serverlink/link.hpp>
#include <serverlink/loop.hpp>

#include <memory>

namespace slk::tool {

/// At most one chunk of stdin is held: the thread that reads it waits until the chunk was sent.
/// A chunk that finds no connection waits for the next one; of a chunk that was under way when
/// the connection broke, some or all may be lost, and it is not sent twice. Loop's thread.
class pipe {
public:
    /// `ended` is called once everything was sent and the peer has finished, too.
    pipe(loop& on, printer& out, std::function<void()> ended);
    pipe(const pipe&) = delete;
    pipe& operator=(const pipe&) = delete;
    /// The reading thread may still wait for input; it touches nothing of this any more.
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
