// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_SHARDED_PUBSUB_HPP
#define SERVERLINK_SHARDED_PUBSUB_HPP

/// slk::sharded_pubsub: publishes to subscribers of the same process by channels, which are spread
/// over several publishers, so that threads that publish rarely wait for each other.
///
///     SLK_TRY(auto news, slk::sharded_pubsub::create(context, 8));
///     SLK_TRY(news.subscribe(sub, "weather"));     // on the thread of `sub`
///     SLK_TRY(news.publish("weather", "sunny"));   // on any thread
///
/// A message has two parts, the channel and the data. The publisher of a channel is its slot modulo
/// the number of shards. Messages of one channel arrive in the order in which they were published;
/// over several channels there is an order only where they have the same slot.

#include <serverlink/channel_slot.hpp>
#include <serverlink/frame_socket.hpp>
#include <serverlink/pub.hpp>
#include <serverlink/sub.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace slk {

/// Any thread may call it, but in a context without threads, whose sockets are for one thread at a
/// time.
class SLK_API sharded_pubsub {
public:
    /// The most shards that create() makes.
    static constexpr std::size_t max_shards = 1024;

    /// `options`: of each publisher. Errors: invalid_argument (a number of shards that is not 1 to
    /// max_shards), and those of pub::create() and socket::bind().
    [[nodiscard]] static result<sharded_pubsub> create(context& in, std::size_t shards,
                                                       pub_options options = {});

    sharded_pubsub(sharded_pubsub&& other) noexcept;
    sharded_pubsub& operator=(sharded_pubsub&& other) noexcept;
    /// Not while another thread is in a call. What was not received by then stays readable.
    ~sharded_pubsub();

    /// Returns the number of shards.
    [[nodiscard]] std::size_t shards() const noexcept;
    /// Returns the shard that has a channel, from 0 on.
    [[nodiscard]] std::size_t shard_of(std::string_view channel) const noexcept;

    /// Errors: invalid_argument (an empty channel), and those of pub::send().
    [[nodiscard]] result<send_outcome> publish(std::string_view channel,
                                               std::span<const std::byte> data);
    [[nodiscard]] result<send_outcome> publish(std::string_view channel, std::string_view data)
    {
        return publish(channel, std::as_bytes(std::span(data.data(), data.size())));
    }
    /// Of all publishers; see socket_options::send_high_water_mark.
    [[nodiscard]] result<void> set_send_high_water_mark(std::uint32_t messages);

    // On the thread that uses the SUB, which is of the same context. A frame_socket is a SUB or an
    // XSUB.

    /// Connects the SUB to the publisher of the channel, unless it is connected, and subscribes. As
    /// with every SUB the channel is a prefix: channels of the same shard that begin with it are
    /// received, too. Errors: invalid_argument (an empty channel, or a SUB of another context), and
    /// those of connect() and sub::subscribe().
    [[nodiscard]] result<void> subscribe(sub& by, std::string_view channel);
    /// Further errors: invalid_argument (another type of socket).
    [[nodiscard]] result<void> subscribe(frame_socket& by, std::string_view channel);
    /// Errors: invalid_argument (an empty channel), and those of sub::unsubscribe().
    [[nodiscard]] result<void> unsubscribe(sub& by, std::string_view channel);
    [[nodiscard]] result<void> unsubscribe(frame_socket& by, std::string_view channel);

private:
    struct core;
    explicit sharded_pubsub(std::unique_ptr<core> made) noexcept;

    std::unique_ptr<core> core_;
};

} // namespace slk

#endif
