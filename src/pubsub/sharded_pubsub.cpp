// SPDX-License-Identifier: MPL-2.0
#include <serverlink/sharded_pubsub.hpp>

#include "base/try_allocate.hpp"
#include "messaging/socket/socket_core.hpp"

#include <mutex>
#include <new>
#include <optional>
#include <string>

namespace slk {

namespace {

constexpr error empty_channel{errc::invalid_argument, phase::setup, 0, "the channel is empty"};
constexpr error publisher_moved_from{errc::invalid_state, phase::none, 0,
                                     "the publisher was moved from"};
constexpr error no_subscriber{errc::invalid_argument, phase::setup, 0,
                              "the socket is neither a SUB nor an XSUB"};

bool subscribes(const frame_socket& by) noexcept
{
    return by.type() == socket_type::sub || by.type() == socket_type::xsub;
}

} // namespace

struct sharded_pubsub::core {
    struct shard {
        std::mutex guard;
        std::optional<pub> publisher; ///< its calls are guarded
        std::string endpoint;
    };

    std::unique_ptr<shard[]> shards;
    std::size_t count = 0;

    [[nodiscard]] std::size_t index_of(std::string_view channel) const noexcept
    {
        return slot_of(channel) % count;
    }
    [[nodiscard]] result<void> connect(socket& by, std::size_t index);
    template <class Socket>
    result<void> subscribe(Socket& by, std::string_view channel);
    template <class Socket>
    result<void> unsubscribe(Socket& by, std::string_view channel);
    /// The shards take the subscriptions that have come, which would pile up at one that nobody
    /// publishes with.
    void take_subscriptions() noexcept;
};

result<void> sharded_pubsub::core::connect(socket& by, std::size_t index)
{
    if (by.core() == nullptr)
        return fail(errc::invalid_state, phase::setup, "the SUB was moved from");
    SLK_TRY(by.core()->usable());
    // By inproc it would wait for ever.
    if (by.core()->context() != shards[index].publisher->core()->context())
        return fail(errc::invalid_argument, phase::setup, "the SUB is of another context");
    SLK_TRY(const bool is_connected,
            by.core()->has_endpoint(endpoint_kind::connected, shards[index].endpoint));
    return is_connected ? result<void>{} : by.connect(shards[index].endpoint);
}

void sharded_pubsub::core::take_subscriptions() noexcept
{
    for (std::size_t index = 0; index < count; ++index) {
        // One that publishes at this time takes them by itself.
        const std::unique_lock lock(shards[index].guard, std::try_to_lock);
        if (lock)
            (void)shards[index].publisher->events();
    }
}

sharded_pubsub::sharded_pubsub(std::unique_ptr<core> made) noexcept : core_(std::move(made)) {}
sharded_pubsub::sharded_pubsub(sharded_pubsub&& other) noexcept = default;
sharded_pubsub& sharded_pubsub::operator=(sharded_pubsub&& other) noexcept = default;
sharded_pubsub::~sharded_pubsub() = default;

result<sharded_pubsub> sharded_pubsub::create(context& in, std::size_t shards, pub_options options)
{
    if (shards < 1 || shards > max_shards)
        return fail(errc::invalid_argument, phase::setup, "shards is not 1 to 1024");
    std::unique_ptr<core> made(new (std::nothrow) core);
    if (made != nullptr)
        made->shards.reset(new (std::nothrow) core::shard[shards]);
    if (made == nullptr || made->shards == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    made->count = shards;
    for (std::size_t index = 0; index < shards; ++index) {
        core::shard& each = made->shards[index];
        pub_options own;
        if (!try_allocate([&] { own = options; }))
            return fail(errc::out_of_memory, phase::setup);
        SLK_TRY(auto publisher, pub::create(in, std::move(own)));
        const std::string name =
            joined({"inproc://sharded-pubsub-",
                    std::string_view(number_text(static_cast<std::int64_t>(publisher.number())))});
        if (name.empty())
            return fail(errc::out_of_memory, phase::setup);
        SLK_TRY(each.endpoint, publisher.bind(name));
        each.publisher.emplace(std::move(publisher));
    }
    return sharded_pubsub(std::move(made));
}

std::size_t sharded_pubsub::shards() const noexcept
{
    return core_ != nullptr ? core_->count : 0;
}

std::size_t sharded_pubsub::shard_of(std::string_view channel) const noexcept
{
    return core_ != nullptr ? core_->index_of(channel) : 0;
}

result<send_outcome> sharded_pubsub::publish(std::string_view channel,
                                             std::span<const std::byte> data)
{
    if (core_ == nullptr)
        return fail(publisher_moved_from);
    if (channel.empty())
        return fail(empty_channel);
    multipart whole;
    SLK_TRY(whole.add(channel));
    SLK_TRY(whole.add(std::string_view(reinterpret_cast<const char*>(data.data()), data.size())));
    core::shard& to = core_->shards[core_->index_of(channel)];
    const std::lock_guard lock(to.guard);
    return to.publisher->send(std::move(whole), no_wait);
}

result<void> sharded_pubsub::set_send_high_water_mark(std::uint32_t messages)
{
    if (core_ == nullptr)
        return fail(publisher_moved_from);
    for (std::size_t index = 0; index < core_->count; ++index) {
        core::shard& each = core_->shards[index];
        const std::lock_guard lock(each.guard);
        SLK_TRY(each.publisher->set_send_high_water_mark(messages));
    }
    return {};
}

template <class Socket>
result<void> sharded_pubsub::core::subscribe(Socket& by, std::string_view channel)
{
    if (channel.empty())
        return fail(empty_channel);
    SLK_TRY(connect(by, index_of(channel)));
    SLK_TRY(by.subscribe(std::as_bytes(std::span(channel))));
    take_subscriptions();
    return {};
}

template <class Socket>
result<void> sharded_pubsub::core::unsubscribe(Socket& by, std::string_view channel)
{
    if (channel.empty())
        return fail(empty_channel);
    SLK_TRY(by.unsubscribe(std::as_bytes(std::span(channel))));
    take_subscriptions();
    return {};
}

result<void> sharded_pubsub::subscribe(sub& by, std::string_view channel)
{
    return core_ != nullptr ? core_->subscribe(by, channel) : fail(publisher_moved_from);
}

result<void> sharded_pubsub::unsubscribe(sub& by, std::string_view channel)
{
    return core_ != nullptr ? core_->unsubscribe(by, channel) : fail(publisher_moved_from);
}

result<void> sharded_pubsub::subscribe(frame_socket& by, std::string_view channel)
{
    if (core_ == nullptr)
        return fail(publisher_moved_from);
    return subscribes(by) ? core_->subscribe(by, channel) : fail(no_subscriber);
}

result<void> sharded_pubsub::unsubscribe(frame_socket& by, std::string_view channel)
{
    if (core_ == nullptr)
        return fail(publisher_moved_from);
    return subscribes(by) ? core_->unsubscribe(by, channel) : fail(no_subscriber);
}

} // namespace slk
