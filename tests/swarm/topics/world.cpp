// SPDX-License-Identifier: MPL-2.0
#include "swarm/topics/world.hpp"

#include "../../../fuzz/naive_glob.hpp"
#include "swarm/faults.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <type_traits>

namespace slk::swarm::topics {

using namespace std::chrono_literals;

namespace action {

enum : std::size_t {
    publish,
    subscribe,
    unsubscribe,
    add_pattern,
    remove_pattern,
    stop_receiving,
    resume_receiving,
    close_socket,
    create_socket,
    close_path,
    open_path,
    slow_path,
    end_host,
    begin_host,
    suspend_host,
    limit_descriptors,
    no_limits,
    change_faults,
    inject_fault,
    count,
};

} // namespace action

const std::vector<std::string_view>& action_names()
{
    static const std::vector<std::string_view> names{
        "publish",           "subscribe",        "unsubscribe",   "add_pattern",   "remove_pattern",
        "stop_receiving",    "resume_receiving", "close_socket",  "create_socket", "close_path",
        "open_path",         "slow_path",        "end_host",      "begin_host",    "suspend_host",
        "limit_descriptors", "no_limits",        "change_faults", "inject_fault",
    };
    static_assert(action::count == 19);
    return names;
}

world::world(std::uint64_t seed, const run_options& options)
    : world_base(seed, options, action_names())
{
    choose_hosts();
    choose_sockets();
}

world::~world()
{
    for (std::size_t index = 0; index < hosts_.size(); ++index)
        stop_host(index);
}

// --- what the seed chooses ---

void world::choose_hosts()
{
    const std::size_t count = random_.number(2, 3);
    for (std::size_t index = 0; index < count; ++index) {
        socket_host& added = hosts_.emplace_back();
        added.name = "host" + std::to_string(index);
        added.addresses = {*address::parse("10.0.0." + std::to_string(index + 1), 0)};
        add_host(added);
        start_host(added);
    }
}

void world::choose_sockets()
{
    socket_options common;
    common.peer_timeout = random_.one_of<duration>({300ms, 1s, 3s});
    common.handshake_timeout = random_.one_of<duration>({500ms, 2s});
    common.accept_zmtp_2_0 = random_.chance(10);
    common.reconnect.base = random_.one_of<duration>({0ms, 1ms, 100ms});
    common.reconnect.floor = random_.one_of<duration>({0ms, 10ms, 100ms});
    common.reconnect.cap = random_.one_of<duration>({500ms, 2s});
    common.reconnect.connect_timeout = random_.one_of<duration>({2s, 5s});
    if (random_.chance(20))
        common.tuning.send_buffer = static_cast<int>(random_.number(1000, 9000));
    common.on_reconnect = random_.one_of<queue_policy>(
        {queue_policy::keep, queue_policy::drop_all, queue_policy::keep_newest});
    publishers_bind_ = random_.chance(60);
    const bool immediate = random_.chance(60);
    keeps_topics_ = !publishers_bind_ && !immediate;
    const auto choose = [&](slot& made) {
        made.at = random_.index(hosts_.size());
        made.is_extended = random_.chance(40);
        made.port = static_cast<std::uint16_t>(5000 + publishers_.size() + subscribers_.size());
        made.options = common;
        made.options.send_high_water_mark = random_.one_of<std::uint32_t>({0, 1, 5, 100, 1000});
        made.options.receive_high_water_mark = random_.one_of<std::uint32_t>({0, 1, 5, 100, 1000});
        made.options.linger = random_.one_of<duration>({0ms, 10ms});
        made.options.immediate = immediate;
    };
    for (std::uint64_t count = random_.number(1, 2); count > 0; --count) {
        choose(publishers_.emplace_back());
        publishers_.back().options.expires_after =
            random_.one_of<duration>({0ms, 0ms, 1ms, 50ms, 2s});
    }
    for (std::uint64_t count = random_.number(1, 4); count > 0; --count)
        choose(subscribers_.emplace_back());
    for (publisher& each : publishers_)
        create(each);
    for (subscriber& each : subscribers_) {
        create(each);
        for (std::uint64_t count = random_.number(0, 3); count > 0; --count)
            subscribe(each, choose_topic());
        if (!each.is_extended && random_.chance(40))
            psubscribe(each, choose_pattern());
    }
}

/// Many match some of the topics.
std::string world::choose_pattern()
{
    std::string pattern;
    for (std::uint64_t left = random_.number(1, 5); left > 0; --left)
        pattern += random_.one_of<const char*>({"a", "b", "*", "?", "[ab]", "[^a]"});
    return pattern;
}

/// Many are beginnings of others.
std::string world::choose_topic()
{
    std::string topic;
    for (std::uint64_t left = random_.number(0, 4); left > 0; --left)
        topic += random_.chance(50) ? 'a' : 'b';
    if (random_.chance(5))
        topic.append(random_.number(1, 300), 'c');
    return topic;
}

// --- hosts and sockets ---

void world::start_host(socket_host& which)
{
    which.loop.emplace(*network_->create_loop(which.id));
    which.context.emplace(*context::on(*which.loop));
}

std::vector<world::slot*> world::all_slots()
{
    std::vector<slot*> all;
    for (publisher& each : publishers_)
        all.push_back(&each);
    for (subscriber& each : subscribers_)
        all.push_back(&each);
    return all;
}

void world::stop_host(std::size_t which)
{
    socket_host& closing = hosts_[which];
    if (!closing.loop)
        return;
    for (slot* const each : all_slots())
        if (each->at == which)
            close(*each, 0ms);
    closing.context.reset();
    closing.loop.reset();
}

void world::restart_host(std::size_t index)
{
    if (!hosts_[index].loop)
        start_host(hosts_[index]);
    for (publisher& each : publishers_)
        if (each.at == index)
            create(each);
    for (subscriber& each : subscribers_)
        if (each.at == index)
            create(each);
}

void world::create_base(slot& which, bool publishes)
{
    context& in = *hosts_[which.at].context;
    const auto make = [&]<class Socket>(std::type_identity<Socket>) {
        auto made = Socket::create(in, which.options);
        if (made)
            which.handle.emplace(std::in_place_type<Socket>, std::move(*made));
        else
            report_failure("a socket could not be created");
    };
    if (publishes)
        which.is_extended ? make(std::type_identity<xpub>{}) : make(std::type_identity<pub>{});
    else
        which.is_extended ? make(std::type_identity<xsub>{}) : make(std::type_identity<sub>{});
}

std::string world::endpoint_of(const slot& which) const
{
    return "tcp://10.0.0." + std::to_string(which.at + 1) + ":" + std::to_string(which.port);
}

/// A port that is still in use is tried again when the faults have ended.
void world::open(slot& which, bool publishes)
{
    if (publishes == publishers_bind_) {
        (void)base(which).bind("tcp://*:" + std::to_string(which.port));
        return;
    }
    const auto connect = [&](const slot& to) {
        if (!base(which).connect(endpoint_of(to)))
            report_failure("connect() failed");
    };
    if (publishes)
        std::ranges::for_each(subscribers_, connect);
    else
        std::ranges::for_each(publishers_, connect);
}

void world::create(publisher& which)
{
    if (which.handle || !hosts_[which.at].loop)
        return;
    create_base(which, true);
    which.instance = static_cast<std::uint32_t>(published_.size());
    published_.emplace_back();
    open(which, true);
}

void world::create(subscriber& which)
{
    if (which.handle || !hosts_[which.at].loop)
        return;
    create_base(which, false);
    which.received = 0;
    which.last.clear();
    which.arrived.clear();
    which.ever.clear();
    which.receiving_stopped = false;
    for (const std::string& topic : std::exchange(which.topics, {}))
        subscribe(which, topic);
    for (const std::string& pattern : std::exchange(which.patterns, {}))
        psubscribe(which, pattern);
    open(which, false);
}

socket& world::base(slot& of)
{
    return std::visit([](auto& held) -> socket& { return held; }, *of.handle);
}

bool world::is_publisher(const slot& which)
{
    return std::holds_alternative<pub>(*which.handle) ||
           std::holds_alternative<xpub>(*which.handle);
}

void world::close(slot& which, duration timeout)
{
    if (!which.handle)
        return;
    socket& closing = base(which);
    (void)closing.close(timeout);
    const socket_counters final = closing.counters();
    note("close", which,
         std::to_string(final.queued_total) + " queued, " + std::to_string(final.unsent) +
             " unsent, " + std::to_string(final.dropped_stale) + " stale, " +
             std::to_string(final.expired) + " expired, " + std::to_string(final.unconfirmed) +
             " unconfirmed, " + std::to_string(final.received) + " received, " +
             std::to_string(final.discarded) + " discarded");
    if (is_publisher(which)) {
        queued_ += final.queued_total;
        lost_ +=
            final.unsent + final.unconfirmed + final.refused + final.dropped_stale + final.expired;
    } else {
        has_closed_subscriber_ = true;
        received_ += final.received;
        discarded_ += final.discarded;
    }
    which.handle.reset();
}

bool world::awake(const slot& which) const
{
    return which.handle && network_->now() >= hosts_[which.at].asleep_until;
}

// --- messages ---

void world::publish(publisher& from)
{
    std::vector<std::string>& record = published_[from.instance];
    const auto number = static_cast<std::uint32_t>(record.size());
    const std::string topic = choose_topic();
    multipart whole;
    whole.add(*message::copy_of(topic));
    whole.add(*message::copy_of(std::to_string(from.instance) + " " + std::to_string(number)));
    if (number % 7 == 0)
        whole.add(*message::copy_of(std::string(number % 70 == 0 ? 40'000 : 300, 'f')));
    record.push_back(topic);
    network_->note(number);
    const bool sent = std::visit(
        [&](auto& held) {
            if constexpr (requires { held.wait_subscribers(""); })
                return held.send(std::move(whole), no_wait).has_value();
            else
                return false;
        },
        *from.handle);
    if (!sent)
        return report_failure("a publisher cannot send");
    if (!deliveries_counted_)
        return;
    for (subscriber& each : subscribers_)
        if (wants(each, topic))
            each.expected.emplace(from.instance, number);
}

bool world::wants(const subscriber& which, const std::string& topic)
{
    return std::ranges::any_of(
               which.topics,
               [&](const std::string& wanted) { return topic.starts_with(wanted); }) ||
           std::ranges::any_of(which.patterns, [&](const std::string& pattern) {
               return fuzz::naive_glob(pattern, topic).value_or(false);
           });
}

void world::note(std::string_view what, const slot& which, std::string_view about) const
{
    if (options_.log)
        std::printf("  %.*s '%.*s' at port %u\n", static_cast<int>(what.size()), what.data(),
                    static_cast<int>(about.size()), about.data(), unsigned{which.port});
}

void world::subscribe(subscriber& which, const std::string& topic)
{
    bool done = false;
    if (auto* const plain = std::get_if<sub>(&*which.handle))
        done = plain->subscribe(topic).has_value();
    else
        done = std::get<xsub>(*which.handle).send("\1" + topic).has_value();
    note("subscribe", which, topic);
    if (!done)
        report_failure("a subscription failed");
    which.topics.insert(topic);
    which.ever.insert(topic);
}

void world::unsubscribe(subscriber& which, const std::string& topic)
{
    bool done = false;
    if (auto* const plain = std::get_if<sub>(&*which.handle))
        done = plain->unsubscribe(topic).has_value();
    else
        done = std::get<xsub>(*which.handle).send(std::string(1, '\0') + topic).has_value();
    note("unsubscribe", which, topic);
    if (!done)
        report_failure("a subscription could not be taken back");
    which.topics.erase(which.topics.find(topic));
}

void world::psubscribe(subscriber& which, const std::string& pattern)
{
    note("add pattern", which, pattern);
    if (!std::get<sub>(*which.handle).psubscribe(pattern))
        report_failure("a pattern could not be added");
    which.patterns.insert(pattern);
}

void world::punsubscribe(subscriber& which, const std::string& pattern)
{
    note("remove pattern", which, pattern);
    if (!std::get<sub>(*which.handle).punsubscribe(pattern))
        report_failure("a pattern could not be taken back");
    which.patterns.erase(which.patterns.find(pattern));
}

void world::receive_all(subscriber& which)
{
    multipart whole;
    for (int count = 0; count < 200 && ok(); ++count) {
        const auto received = std::visit(
            [&](auto& held) -> result<void> {
                if constexpr (requires { held.receive(whole, no_wait); })
                    return held.receive(whole, no_wait);
                else
                    return {};
            },
            *which.handle);
        if (!received)
            return;
        check_received(which, whole);
    }
}

void world::check_received(subscriber& which, const multipart& whole)
{
    ++which.received;
    ++result_.messages;
    if (whole.size() < 2)
        return report_failure("a message has not all of its parts");
    const std::string_view topic = whole[0].text();
    const std::string_view text = whole[1].text();
    std::uint32_t instance = 0, number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), instance);
    (void)std::from_chars(read.ptr + 1, text.data() + text.size(), number);
    result_.bytes += topic.size() + text.size();
    if (instance >= published_.size() || number >= published_[instance].size() ||
        published_[instance][number] != topic || (whole.size() == 3) != (number % 7 == 0))
        return report_failure("a message arrived that nobody has published");
    const auto is_beginning = [&](const std::string& wanted) { return topic.starts_with(wanted); };
    // An XSUB does not filter, and a publisher may keep what an earlier one had subscribed to.
    if (which.is_extended ? !keeps_topics_ && std::ranges::none_of(which.ever, is_beginning)
                          : !wants(which, std::string(topic)))
        return report_failure("a message arrived that the receiver does not want");
    check_order(which, instance, number);
    if (deliveries_counted_ && which.expected.erase({instance, number}) == 0 && !which.is_extended)
        report_failure("a message arrived that was not expected");
}

/// What has arrived on an earlier connection may be received beside that of a later one.
void world::check_order(subscriber& which, std::uint32_t instance, std::uint32_t number)
{
    if (!which.arrived[instance].insert(number).second)
        return report_failure("a message arrived twice");
    std::vector<std::uint32_t>& last = which.last[instance];
    const auto best = std::ranges::max_element(
        last, {}, [&](std::uint32_t each) { return each < number ? std::int64_t{each} : -1; });
    if (best != last.end() && *best < number) {
        *best = number;
        return;
    }
    if (last.size() >= base(which).counters().connected)
        return report_failure("a message arrived out of order");
    last.push_back(number);
}

/// An XPUB receives what its peers subscribe to.
void world::listen(publisher& which)
{
    message report;
    if (auto* const extended = std::get_if<xpub>(&*which.handle))
        for (int count = 0; count < 200 && extended->receive(report, no_wait); ++count)
            if (report.empty() || report.data()[0] > std::byte{1})
                report_failure("an XPUB received what is no subscription");
}

// --- the script ---

void world::act()
{
    const std::uint64_t kind = random_.number(0, 99);
    if (kind < 30) {
        publisher& from = publishers_[random_.index(publishers_.size())];
        if (!awake(from))
            return;
        count_action(action::publish);
        for (std::uint64_t count = random_.number(1, 40); count > 0 && ok(); --count)
            publish(from);
        return;
    }
    if (kind < 60)
        return act_on_topics(subscribers_[random_.index(subscribers_.size())]);
    if (kind < 70)
        return act_on_socket(random_.chance(40));
    if (kind < 85)
        return act_on_paths();
    act_on_machine();
}

void world::act_on_topics(subscriber& which)
{
    if (!awake(which))
        return;
    switch (random_.number(0, 8)) {
    case 7:
        if (which.is_extended)
            return;
        count_action(action::add_pattern);
        return psubscribe(which, choose_pattern());
    case 8:
        if (which.patterns.empty())
            return;
        count_action(action::remove_pattern);
        return punsubscribe(
            which, *std::next(which.patterns.begin(),
                              static_cast<std::ptrdiff_t>(random_.index(which.patterns.size()))));
    case 0:
    case 1:
    case 2: count_action(action::subscribe); return subscribe(which, choose_topic());
    case 3:
    case 4:
        if (which.topics.empty())
            return;
        count_action(action::unsubscribe);
        return unsubscribe(
            which, *std::next(which.topics.begin(),
                              static_cast<std::ptrdiff_t>(random_.index(which.topics.size()))));
    case 5:
        count_action(action::stop_receiving);
        which.receiving_stopped = true;
        return undo_later([&which] { which.receiving_stopped = false; });
    default: count_action(action::resume_receiving); which.receiving_stopped = false;
    }
}

void world::act_on_socket(bool publishes)
{
    const auto act_on = [&](auto& chosen) {
        if (!chosen.handle || !awake(chosen)) {
            count_action(action::create_socket);
            return create(chosen);
        }
        count_action(action::close_socket);
        close(chosen, random_.one_of<duration>({0ms, 10ms, 1s}));
        undo_later([this, &chosen] { create(chosen); });
    };
    if (publishes)
        act_on(publishers_[random_.index(publishers_.size())]);
    else
        act_on(subscribers_[random_.index(subscribers_.size())]);
}

void world::act_on_paths()
{
    const host_id from = hosts_[random_.index(hosts_.size())].id;
    const host_id to = hosts_[random_.index(hosts_.size())].id;
    switch (random_.number(0, 3)) {
    case 0:
    case 1:
        count_action(action::close_path);
        network_->partition(from, to);
        if (random_.chance(50))
            network_->partition(to, from);
        return undo_later([this, from, to] {
            network_->heal(from, to);
            network_->heal(to, from);
        });
    case 2:
        count_action(action::open_path);
        network_->heal(from, to);
        return network_->heal(to, from);
    default:
        count_action(action::slow_path);
        return network_->set_latency(from, to, random_.time(1us, 100ms));
    }
}

void world::act_on_machine()
{
    const std::size_t index = random_.index(hosts_.size());
    socket_host& which = hosts_[index];
    const std::size_t chosen = random_.one_of<std::size_t>(
        {action::end_host, action::begin_host, action::suspend_host, action::limit_descriptors,
         action::no_limits, action::change_faults, action::inject_fault, action::inject_fault});
    if (network_->now() < which.asleep_until)
        return;
    count_action(chosen);
    switch (chosen) {
    case action::end_host:
        stop_host(index);
        return undo_later([this, index] { restart_host(index); });
    case action::begin_host: return restart_host(index);
    case action::suspend_host: return suspend(which, random_.one_of<duration>({1ms, 500ms, 3s}));
    case action::limit_descriptors: {
        host_limits limits;
        limits.descriptors = static_cast<std::uint32_t>(random_.number(1, 12));
        (void)network_->set_limits(which.id, limits);
        return undo_later([this, &which] { (void)network_->set_limits(which.id, {}); });
    }
    case action::change_faults: return network_->set_faults(choose_faults(random_));
    case action::inject_fault: return inject_any_fault();
    default: (void)network_->set_limits(which.id, {}); return;
    }
}

/// A call of a socket may be under way then: it is undone between two calls.
void world::undo_later(std::function<void()> undo)
{
    world_base::undo_later([this, undo = std::move(undo)] { due_.push_back(undo); }, 3s);
}

void world::undo_due()
{
    for (const auto& each : std::exchange(due_, {}))
        each();
}

// --- time ---

duration world::choose_pause()
{
    return random_.one_of<duration>({1ms, 20ms, 300ms, 1s});
}

duration world::stride_of(duration time) const
{
    return time <= 1s ? 50ms : 300ms;
}

void world::run_until(time_point end)
{
    network_->run_for(end - network_->now());
}

void world::after_stride()
{
    undo_due();
    for (publisher& each : publishers_) {
        if (!awake(each))
            continue;
        if (!healing_ && random_.chance(30))
            publish(each);
        listen(each);
        (void)base(each).events();
    }
    for (subscriber& each : subscribers_) {
        if (!awake(each))
            continue;
        if (!each.receiving_stopped)
            receive_all(each);
        (void)base(each).events();
    }
    check_sockets();
}

void world::count_links()
{
    for (slot* const each : all_slots())
        if (each->handle)
            result_.connections += base(*each).counters().connected;
}

outcome run(std::uint64_t seed, const run_options& options)
{
    return world(seed, options).run();
}

} // namespace slk::swarm::topics
