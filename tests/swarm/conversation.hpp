// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_CONVERSATION_HPP
#define SLK_TESTS_SWARM_CONVERSATION_HPP

/// One end of a connection, and what its program does with it: speak and expect an echo, echo,
/// be silent, leave, reset. Every byte says where in its direction it belongs.

#include <serverlink/stream.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace slk::swarm {

enum class manner : std::uint8_t {
    speak,  ///< sends, and checks that the echo is the beginning of what was sent
    echo,   ///< sends back what it receives
    mute,   ///< receives and says nothing
    deaf,   ///< neither receives nor sends
    leave,  ///< finishes sending at once, and closes when the peer has finished too
    slam,   ///< closes at once
    reset,  ///< resets at once
};

class conversation {
public:
    struct events {
        std::function<void(const char* what)> broken; ///< an invariant
        std::function<void()> heard;                  ///< bytes arrived
    };

    conversation(stream connection, manner how, events on);
    conversation(const conversation&) = delete;
    conversation& operator=(const conversation&) = delete;

    void begin();
    /// For `speak`: sends so many bytes, unless a send is under way.
    void say(std::size_t count);
    void shutdown_send();
    void close();
    void reset();
    void drain(duration timeout);

    /// This side has nothing more to do with it.
    [[nodiscard]] bool over() const noexcept { return over_; }
    /// And no handler of it is going to be called: it may be destroyed.
    [[nodiscard]] bool at_rest() const noexcept
    {
        return over_ && !receiving_ && !sending_ && !draining_;
    }
    [[nodiscard]] manner how() const noexcept { return how_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return heard_; }

private:
    void listen();
    void received(result<std::size_t> count);
    void sent(result<std::size_t> count);
    void check(std::size_t count);
    void send();
    void break_rule(const char* what) { on_.broken(what); }

    stream stream_;
    manner how_;
    events on_;
    std::array<std::byte, 2048> buffer_{};
    std::vector<std::byte> outgoing_;
    std::uint64_t offered_ = 0; ///< bytes given to send
    std::uint64_t heard_ = 0;
    bool receiving_ = false;
    bool sending_ = false;
    bool finished_ = false; ///< no more is sent
    bool draining_ = false;
    bool over_ = false;
};

} // namespace slk::swarm

#endif
