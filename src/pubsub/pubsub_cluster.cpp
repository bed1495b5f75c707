// SPDX-License-Identifier: MPL-2.0
#include <serverlink/pubsub_cluster.hpp>

#include <serverlink/wait.hpp>
#include <serverlink/xsub.hpp>

#include "base/try_allocate.hpp"
#include "messaging/socket/socket_core.hpp"
#include "pattern/glob.hpp"
#include "pattern/pattern.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <new>
#include <utility>

namespace slk {

namespace {

/// Messages that match nothing and are thrown away before the caller's limit is looked at.
constexpr int max_unwanted = 1000;

constexpr error empty_cluster{errc::invalid_state, phase::none, 0, "the cluster was moved from"};
constexpr error no_memory_for_node{errc::out_of_memory, phase::setup, 0, "no memory for a node"};
constexpr error no_nodes{errc::no_route, phase::transfer, 0, "the cluster has no nodes"};

std::span<const std::byte> bytes_of(std::string_view text) noexcept
{
    return std::as_bytes(std::span(text));
}

} // namespace

namespace pubsub {

/// An XSUB.
class node_socket final : public socket {
public:
    [[nodiscard]] static result<node_socket>
    create(const std::shared_ptr<messaging::context_core>& in, const xsub_options& options)
    {
        SLK_TRY(messaging::socket_core* const made,
                messaging::socket_core::create(in, zmtp::socket_type::xsub, options));
        return node_socket(made);
    }
    using socket::receive;

private:
    using socket::socket;
};

struct cluster_node {
    cluster_node(std::string&& at, node_socket&& made) noexcept
        : endpoint(std::move(at)), connected(std::move(made))
    {
    }

    [[nodiscard]] result<void> subscribe(std::span<const std::byte> topic)
    {
        return connected.core()->subscribe(topic);
    }
    void unsubscribe(std::span<const std::byte> topic)
    {
        // It fails only where nobody is left to be told: the context was shut down.
        (void)connected.core()->unsubscribe(topic);
    }
    void punsubscribe(std::span<const std::byte> pattern)
    {
        (void)connected.core()->punsubscribe(pattern);
    }

    const std::string endpoint;
    node_socket connected;
};

using node_list = std::vector<std::shared_ptr<cluster_node>>;

/// The owner of a slot; null: there are no nodes.
inline cluster_node* owner_in(const node_list& all, std::uint32_t slot) noexcept
{
    return all.empty() ? nullptr : all[std::size_t{slot} * all.size() / slot_count].get();
}

struct channel_use {
    std::uint32_t slot = 0;
    std::uint64_t times = 0;
};

struct cluster_pattern {
    std::string text;
    pattern::glob matcher;
    std::uint64_t times = 1;
};

} // namespace pubsub

using pubsub::cluster_node;
using pubsub::cluster_pattern;
using pubsub::node_list;
using pubsub::node_socket;
using pubsub::owner_in;

struct pubsub_cluster::core {
    explicit core(node_socket&& idle) noexcept : idle_(std::move(idle)) {}

    /// Returns false when memory is exhausted.
    [[nodiscard]] bool reserve() noexcept { return try_reserve(items_, 1); }
    [[nodiscard]] result<void> usable() const noexcept { return idle_.core()->usable(); }
    [[nodiscard]] const node_list& nodes() const noexcept { return nodes_; }
    [[nodiscard]] cluster_node* owner_of(std::string_view channel) const noexcept
    {
        return owner_in(nodes_, slot_of(channel));
    }

    result<void> add_node(std::string_view endpoint);
    result<close_report> remove_node(std::string_view endpoint, duration timeout);
    result<void> wait_ready(const timeout& limit);
    result<void> subscribe(std::string_view channel);
    void unsubscribe(std::string_view channel);
    result<void> psubscribe(std::string_view text);
    void punsubscribe(std::string_view text);
    result<void> receive(message& channel, message& data, const timeout& limit);

private:
    [[nodiscard]] node_list::iterator find(std::string_view endpoint) noexcept
    {
        return std::ranges::find_if(nodes_,
                                    [&](const auto& each) { return each->endpoint == endpoint; });
    }
    [[nodiscard]] std::vector<cluster_pattern>::iterator
    find_pattern(std::string_view text) noexcept
    {
        return std::ranges::find_if(patterns_,
                                    [&](const cluster_pattern& each) { return each.text == text; });
    }
    [[nodiscard]] result<std::shared_ptr<cluster_node>> connect(std::string_view endpoint);
    result<void> move_channels(const node_list& after, const cluster_node* gone);
    [[nodiscard]] bool wants(const message& name) const noexcept;
    [[nodiscard]] bool has_beginning_of(std::string_view name) const noexcept;
    [[nodiscard]] result<bool> take_next(message& channel, message& data);
    [[nodiscard]] result<void> wait(const timeout& limit);
    [[nodiscard]] time_point now() const noexcept { return idle_.core()->context()->now(); }
    /// What is left of the limit. Errors: timed_out.
    [[nodiscard]] result<timeout> rest_of(const timeout& limit, time_point deadline) const;

    /// Never connected: it has the options of all nodes, and waits while there are none.
    node_socket idle_;
    node_list nodes_;
    std::map<std::string, pubsub::channel_use, std::less<>> channels_;
    std::vector<cluster_pattern> patterns_;
    std::size_t next_ = 0; ///< the node whose turn it is
    multipart arrived_; ///< by the last receive
    std::vector<wait_item> items_; ///< with room for all nodes
};

// --- nodes ---

/// A node that has the patterns.
result<std::shared_ptr<cluster_node>> pubsub_cluster::core::connect(std::string_view endpoint)
{
    SLK_TRY(auto made, node_socket::create(idle_.core()->context(), idle_.core()->options()));
    for (const cluster_pattern& each : patterns_)
        SLK_TRY(made.core()->psubscribe(bytes_of(each.text)));
    SLK_TRY(made.connect(endpoint));
    std::string text;
    std::shared_ptr<cluster_node> whole;
    if (try_assign(text, endpoint))
        whole = try_make_shared<cluster_node>(std::move(text), std::move(made));
    if (whole == nullptr)
        return fail(no_memory_for_node);
    return whole;
}

/// Each channel is subscribed to where its owner in the list `after` is another one than now, and
/// then taken back at its present owner, unless that is `gone`. On an error nothing has changed.
result<void> pubsub_cluster::core::move_channels(const node_list& after, const cluster_node* gone)
{
    const auto owners = [&](std::uint32_t slot) {
        return std::pair(owner_in(nodes_, slot), owner_in(after, slot));
    };
    for (auto at = channels_.begin(); at != channels_.end(); ++at) {
        const auto [from, to] = owners(at->second.slot);
        if (from == to || to == nullptr)
            continue;
        const auto subscribed = to->subscribe(bytes_of(at->first));
        if (subscribed)
            continue;
        for (auto moved = channels_.begin(); moved != at; ++moved) {
            const auto [stays, leaves] = owners(moved->second.slot);
            if (stays != leaves && leaves != nullptr)
                leaves->unsubscribe(bytes_of(moved->first));
        }
        return subscribed;
    }
    for (const auto& [channel, use] : channels_) {
        const auto [from, to] = owners(use.slot);
        if (from != to && from != nullptr && from != gone)
            from->unsubscribe(bytes_of(channel));
    }
    return {};
}

result<void> pubsub_cluster::core::add_node(std::string_view endpoint)
{
    if (find(endpoint) != nodes_.end())
        return fail(errc::already_exists, phase::setup, "the cluster has this node");
    SLK_TRY(auto made, connect(endpoint));
    node_list after;
    if (!try_reserve(after, nodes_.size() + 1) || !try_reserve(items_, nodes_.size() + 1))
        return fail(no_memory_for_node);
    after = nodes_;
    after.push_back(std::move(made));
    SLK_TRY(move_channels(after, nullptr));
    nodes_ = std::move(after);
    return {};
}

result<close_report> pubsub_cluster::core::remove_node(std::string_view endpoint, duration timeout)
{
    const auto at = find(endpoint);
    if (at == nodes_.end())
        return fail(errc::not_found, phase::setup, "the cluster does not have this node");
    const std::shared_ptr<cluster_node> gone = *at;
    node_list after;
    if (!try_reserve(after, nodes_.size()))
        return fail(no_memory_for_node);
    after = nodes_;
    after.erase(after.begin() + (at - nodes_.begin()));
    SLK_TRY(move_channels(after, gone.get()));
    nodes_ = std::move(after);
    return gone->connected.close(timeout);
}

result<timeout> pubsub_cluster::core::rest_of(const timeout& limit, time_point deadline) const
{
    timeout rest = limit;
    if (deadline != never && limit.max_wait > duration::zero()) {
        rest.max_wait = deadline - now();
        if (rest.max_wait <= duration::zero())
            return fail(errc::timed_out, phase::none);
    }
    return rest;
}

result<void> pubsub_cluster::core::wait_ready(const timeout& limit)
{
    const time_point deadline = after(now(), limit.max_wait);
    for (const auto& each : nodes_) {
        SLK_TRY(const timeout rest, rest_of(limit, deadline));
        SLK_TRY(each->connected.wait_ready(rest));
    }
    return {};
}

// --- subscriptions ---

result<void> pubsub_cluster::core::subscribe(std::string_view channel)
{
    if (channel.size() > xsub::max_topic_size)
        return fail(errc::invalid_argument, phase::setup, "the channel is too long");
    if (const auto known = channels_.find(channel); known != channels_.end()) {
        ++known->second.times;
        return {};
    }
    const pubsub::channel_use use{.slot = slot_of(channel), .times = 1};
    std::string key;
    decltype(channels_)::iterator made;
    if (!try_assign(key, channel) ||
        !try_allocate([&] { made = channels_.try_emplace(std::move(key), use).first; }))
        return fail(errc::out_of_memory, phase::setup, "no memory for a channel");
    cluster_node* const owner = owner_in(nodes_, use.slot);
    if (owner == nullptr)
        return {};
    const auto subscribed = owner->subscribe(bytes_of(channel));
    if (!subscribed)
        channels_.erase(made);
    return subscribed;
}

void pubsub_cluster::core::unsubscribe(std::string_view channel)
{
    const auto known = channels_.find(channel);
    if (known == channels_.end() || --known->second.times > 0)
        return;
    if (cluster_node* const owner = owner_in(nodes_, known->second.slot); owner != nullptr)
        owner->unsubscribe(bytes_of(channel));
    channels_.erase(known);
}

result<void> pubsub_cluster::core::psubscribe(std::string_view text)
{
    if (const auto known = find_pattern(text); known != patterns_.end()) {
        ++known->times;
        return {};
    }
    cluster_pattern made;
    SLK_TRY(made.matcher, pattern::glob::compile(bytes_of(text)));
    if (!try_assign(made.text, text) || !try_reserve_more(patterns_))
        return fail(errc::out_of_memory, phase::setup, "no memory for a pattern");
    for (auto at = nodes_.begin(); at != nodes_.end(); ++at) {
        const auto subscribed = (*at)->connected.core()->psubscribe(bytes_of(text));
        if (subscribed)
            continue;
        while (at != nodes_.begin())
            (*--at)->punsubscribe(bytes_of(text));
        return subscribed;
    }
    patterns_.push_back(std::move(made));
    return {};
}

void pubsub_cluster::core::punsubscribe(std::string_view text)
{
    const auto known = find_pattern(text);
    if (known == patterns_.end() || --known->times > 0)
        return;
    for (const auto& each : nodes_)
        each->punsubscribe(bytes_of(text));
    patterns_.erase(known);
}

// --- messages ---

/// Whether a channel that was subscribed to is a beginning of the name.
bool pubsub_cluster::core::has_beginning_of(std::string_view name) const noexcept
{
    for (;;) {
        const auto behind = channels_.upper_bound(name);
        if (behind == channels_.begin())
            return false;
        // A beginning of the name is this one, or a beginning of what both have in common.
        const std::string& before = std::prev(behind)->first;
        if (name.starts_with(before))
            return true;
        const auto differ = std::ranges::mismatch(name, before).in1;
        name = name.substr(0, static_cast<std::size_t>(differ - name.begin()));
    }
}

bool pubsub_cluster::core::wants(const message& name) const noexcept
{
    return has_beginning_of(name.text()) ||
           std::ranges::any_of(patterns_, [&](const cluster_pattern& each) {
               return each.matcher.matches(name.bytes());
           });
}

/// Returns false if there is no message, or only such that nothing wants.
result<bool> pubsub_cluster::core::take_next(message& channel, message& data)
{
    int unwanted = 0;
    for (std::size_t looks = 0; looks < nodes_.size() && unwanted < max_unwanted;) {
        next_ = next_ < nodes_.size() ? next_ : 0;
        const auto received = nodes_[next_]->connected.receive(arrived_, no_wait);
        if (!received && received.error() != errc::would_block)
            return fail(received.error());
        if (!received) {
            ++looks;
            ++next_;
        } else if (wants(arrived_[0])) {
            channel = std::move(arrived_[0]);
            data = arrived_.size() > 1 ? std::move(arrived_[1]) : message();
            ++next_;
            return true;
        } else {
            ++unwanted;
            looks = 0;
            ++next_; // however many come, the others have their turns
        }
    }
    return false;
}

result<void> pubsub_cluster::core::wait(const timeout& limit)
{
    items_.clear();
    for (const auto& each : nodes_)
        items_.push_back({.on = &each->connected});
    if (nodes_.empty())
        items_.push_back({.on = &idle_});
    SLK_TRY(slk::wait(items_, limit));
    return {};
}

result<void> pubsub_cluster::core::receive(message& channel, message& data, const timeout& limit)
{
    const time_point deadline = after(now(), limit.max_wait);
    for (;;) {
        SLK_TRY(const bool any, take_next(channel, data));
        if (any)
            return {};
        if (limit.max_wait == duration::zero())
            return fail(errc::would_block, phase::none);
        if (limit.stop.stop_requested())
            return fail(errc::cancelled, phase::none, "a stop was requested");
        SLK_TRY(const timeout rest, rest_of(limit, deadline));
        SLK_TRY(wait(rest));
    }
}

// --- the public class ---

pubsub_cluster::pubsub_cluster(std::unique_ptr<core> made) noexcept : core_(std::move(made)) {}
pubsub_cluster::pubsub_cluster(pubsub_cluster&& other) noexcept = default;
pubsub_cluster& pubsub_cluster::operator=(pubsub_cluster&& other) noexcept = default;
pubsub_cluster::~pubsub_cluster() = default;

namespace {

/// What a call needs: a cluster that is there, in a context that is, and a name that is not empty.
template <class Core>
result<void> check(const std::unique_ptr<Core>& of, std::string_view name)
{
    if (of == nullptr)
        return fail(empty_cluster);
    if (name.empty())
        return fail(errc::invalid_argument, phase::setup, "the name is empty");
    return of->usable();
}

} // namespace

result<pubsub_cluster> pubsub_cluster::create(context& in, xsub_options options)
{
    if (in.core() == nullptr)
        return fail(errc::invalid_state, phase::setup, "the context is empty");
    options.only_first_subscribe = true;
    SLK_TRY(auto idle, node_socket::create(in.core(), options));
    std::unique_ptr<core> made(new (std::nothrow) core(std::move(idle)));
    if (made == nullptr || !made->reserve())
        return fail(errc::out_of_memory, phase::setup);
    return pubsub_cluster(std::move(made));
}

result<void> pubsub_cluster::add_node(std::string_view endpoint)
{
    SLK_TRY(check(core_, endpoint));
    return core_->add_node(endpoint);
}

result<close_report> pubsub_cluster::remove_node(std::string_view endpoint, duration timeout)
{
    if (core_ == nullptr)
        return fail(empty_cluster);
    return core_->remove_node(endpoint, timeout);
}

result<std::vector<std::string>> pubsub_cluster::nodes() const
{
    if (core_ == nullptr)
        return fail(empty_cluster);
    std::vector<std::string> all;
    bool whole = try_resize(all, core_->nodes().size());
    for (std::size_t index = 0; whole && index < all.size(); ++index)
        whole = try_assign(all[index], core_->nodes()[index]->endpoint);
    if (!whole)
        return fail(errc::out_of_memory, phase::none);
    return all;
}

result<std::string> pubsub_cluster::node_of(std::string_view channel) const
{
    if (core_ == nullptr)
        return fail(empty_cluster);
    const cluster_node* const owner = core_->owner_of(channel);
    std::string text;
    if (owner == nullptr)
        return fail(no_nodes);
    if (!try_assign(text, owner->endpoint))
        return fail(errc::out_of_memory, phase::none);
    return text;
}

result<void> pubsub_cluster::wait_ready(const timeout& limit)
{
    return core_ != nullptr ? core_->wait_ready(limit) : fail(empty_cluster);
}

result<void> pubsub_cluster::subscribe(std::string_view channel)
{
    SLK_TRY(check(core_, channel));
    return core_->subscribe(channel);
}

result<void> pubsub_cluster::unsubscribe(std::string_view channel)
{
    SLK_TRY(check(core_, channel));
    core_->unsubscribe(channel);
    return {};
}

result<void> pubsub_cluster::psubscribe(std::string_view pattern)
{
    SLK_TRY(check(core_, pattern));
    return core_->psubscribe(pattern);
}

result<void> pubsub_cluster::punsubscribe(std::string_view pattern)
{
    SLK_TRY(check(core_, pattern));
    core_->punsubscribe(pattern);
    return {};
}

result<send_outcome> pubsub_cluster::publish(std::string_view channel,
                                             std::span<const std::byte> data)
{
    SLK_TRY(check(core_, channel));
    if (pattern::is_request(bytes_of(channel)))
        return fail(errc::invalid_argument, phase::transfer,
                    "a channel that begins with 0 or 1 would be a subscription");
    cluster_node* const owner = core_->owner_of(channel);
    if (owner == nullptr)
        return fail(no_nodes);
    const pattern::part_view parts[] = {{bytes_of(channel)}, {data}};
    return owner->connected.core()->send_upstream(parts);
}

result<void> pubsub_cluster::receive(message& channel, message& data, const timeout& limit)
{
    return core_ != nullptr ? core_->receive(channel, data, limit) : fail(empty_cluster);
}

} // namespace slk
