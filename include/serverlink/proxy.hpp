// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_PROXY_HPP
#define SERVERLINK_PROXY_HPP

/// slk::proxy: moves whole messages between two sockets, in both directions.
///
///     SLK_TRY(auto between, slk::proxy::create(clients, workers));    // ROUTER and DEALER
///     SLK_TRY(between.run());
///
/// ROUTER and DEALER make a queue of requests, XSUB and XPUB a forwarder, PULL and PUSH a streamer.
/// A direction exists if the one socket can receive and the other one can send. A socket is read
/// only while the other one takes a message, so a full queue behind the proxy holds up the senders
/// before it. The proxy itself holds at most one message for each direction: one whose peer has no
/// room although others have, as those of a ROUTER.
///
/// From a ROUTER the routing id of the peer becomes the first part of the message; to a ROUTER the
/// first part names the peer, and is taken off. A message for a peer that is not there is dropped
/// and counted. With its option `mandatory`, which is the default, a ROUTER takes no message while
/// no peer has room, and one for a peer without room waits, with all behind it, until there is
/// some; without it such a message is dropped, as by libzmq's ROUTER.

#include <serverlink/export.hpp>
#include <serverlink/result.hpp>
#include <serverlink/socket.hpp>
#include <serverlink/timeout.hpp>

#include <cstdint>
#include <memory>

namespace slk {

namespace messaging {
class proxy_core;
}

/// What else a proxy does with the messages.
struct proxy_options {
    /// A PUB, XPUB, PUSH, DEALER or PAIR: it gets a copy of each message that was moved, in both
    /// directions. What an XPUB receives is thrown away. Null: none.
    socket* capture = nullptr;
    /// What the capture socket does not take at once is left out, and counted. True: the messages
    /// wait for it instead.
    bool wait_for_capture = false;
    /// A socket that receives commands of one part: PAUSE, RESUME, TERMINATE and STATISTICS. If it
    /// can send, it answers: STATISTICS with 8 parts of 8 bytes in the byte order of this machine
    /// (messages and bytes received and messages and bytes sent by the front socket, and the same
    /// for the back socket), and others, also unknown ones, with an empty message. Messages of
    /// several parts are no commands, and get an empty answer too. Null: none.
    socket* control = nullptr;
};

/// What a proxy has moved since it was created.
struct proxy_counters {
    /// What it has moved on one side.
    struct side {
        // Messages, and the bytes of their parts; routing ids count.
        std::uint64_t received = 0;
        std::uint64_t received_bytes = 0;
        std::uint64_t sent = 0;
        std::uint64_t sent_bytes = 0;
        /// Messages for this side that had no peer to go to, as in send_outcome.
        std::uint64_t dropped = 0;
    };
    side front{}; ///< the first socket of create()
    side back{}; ///< the second one
    std::uint64_t captured = 0; ///< messages that the capture socket got
    std::uint64_t not_captured = 0; ///< there was no room
    /// Messages that were received and not sent when the last run() ended. The next one sends them.
    std::uint64_t held = 0;
    bool paused = false; ///< by pause() or PAUSE
};

class SLK_API proxy {
public:
    /// The sockets are the caller's. They are neither moved nor ended before the proxy is, and used
    /// by nobody else while it runs.
    /// `front` and `back` may be the same one: each message is sent back then. Errors:
    /// invalid_argument (a socket is empty, capture or control is of a type that cannot be one, or
    /// is another socket of the proxy too, or neither direction exists), out_of_memory.
    [[nodiscard]] static result<proxy> create(socket& front, socket& back,
                                              const proxy_options& options = {});

    proxy(proxy&& other) noexcept;
    proxy& operator=(proxy&& other) noexcept;
    /// Not while it runs. The messages that it holds are lost (proxy_counters::held).
    ~proxy();

    /// Moves messages until stop() or TERMINATE, which is no error. It uses the sockets by this
    /// thread, and may be called again. With `no_wait` it moves what there is, at most 1,000
    /// messages each way, and ends with would_block. Errors: timed_out,
    /// would_block, cancelled (also: the context was shut down), out_of_memory, invalid_state (it
    /// runs already, or a socket was closed).
    [[nodiscard]] result<void> run(const timeout& limit = {});

    // Any thread, at any time.

    /// Messages wait where they are until resume().
    void pause() noexcept;
    /// Ends pause().
    void resume() noexcept;
    /// Ends run(), or the next one.
    void stop() noexcept;
    /// Returns the numbers up to now.
    [[nodiscard]] proxy_counters counters() const noexcept;

private:
    explicit proxy(std::unique_ptr<messaging::proxy_core> made) noexcept;

    std::unique_ptr<messaging::proxy_core> core_;
};

} // namespace slk

#endif
