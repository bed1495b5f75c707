// SPDX-License-Identifier: MPL-2.0
#include "contender.hpp"

#include <serverlink/config.hpp>
#include <serverlink/context.hpp>
#include <serverlink/dealer.hpp>
#include <serverlink/pair.hpp>
#include <serverlink/proxy.hpp>
#include <serverlink/pub.hpp>
#include <serverlink/pull.hpp>
#include <serverlink/push.hpp>
#include <serverlink/rep.hpp>
#include <serverlink/req.hpp>
#include <serverlink/router.hpp>
#include <serverlink/sub.hpp>
#include <serverlink/wait.hpp>
#include <serverlink/xpub.hpp>
#include <serverlink/xsub.hpp>

#include <algorithm>
#include <array>
#include <span>

namespace bench {

namespace {

constexpr std::size_t batch_size = 64;
constexpr std::size_t max_received = 512; // at a time

template <class Value>
Value or_give_up(slk::result<Value> outcome, std::string_view what)
{
    if (!outcome)
        give_up(what, slk::to_string(outcome.error()));
    if constexpr (!std::is_void_v<Value>)
        return std::move(*outcome);
}

struct variant {
    int threads = 1;
    bool batches = false;
    std::string_view backend{}; ///< empty: the best
};

slk::socket_options options_for(const traffic& what, bool as_server = false)
{
    slk::socket_options options;
    if (what.high_water_mark) {
        options.send_high_water_mark = static_cast<std::uint32_t>(*what.high_water_mark);
        options.receive_high_water_mark = options.send_high_water_mark;
    }
    if (what.curve) {
        using enum slk::security_mechanism;
        slk::security_options& security = options.security;
        security.mechanism = as_server ? curve_server : curve_client;
        security.curve.own =
            or_give_up(slk::curve_secret_key::from(as_server ? curve_text::server_secret
                                                             : curve_text::client_secret),
                       "key");
        if (!as_server)
            security.curve.server =
                or_give_up(slk::curve_public_key::from(curve_text::server_public), "key");
    }
    return options;
}

/// A push, a pull, a pair, a pub or a sub. It is opened only for roles that it has.
template <class Socket>
class serverlink_side : public side {
public:
    serverlink_side(slk::context& context, const variant& options, const traffic& what)
        : socket_(or_give_up(Socket::create(context, options_for(what, can_receive)), "create")),
          options_(options), text_(what.size, 'm')
    {
    }

    std::string bind(const std::string& endpoint) override
    {
        return or_give_up(socket_.bind(endpoint), "bind");
    }

    void connect(const std::string& endpoint) override
    {
        or_give_up(socket_.connect(endpoint), "connect");
    }

    void send() override
    {
        if constexpr (can_send) {
            const auto body = std::as_bytes(std::span(text_));
            std::array<std::span<const std::byte>, batch_size> many;
            many.fill(body);
            while (!options_.batches)
                send_one();
            while (true)
                send_many(many);
        }
    }

    void receive(stream_meter& meter) override
    {
        if constexpr (can_receive) {
            slk::message into;
            slk::received_batch many;
            std::size_t count = 1;
            do {
                if (options_.batches)
                    count = receive_many(many);
                else
                    receive_one(into);
            } while (meter.add(count));
        }
    }

    void reply() override
    {
        if constexpr (can_send && can_receive) {
            slk::message into;
            while (true) {
                receive_one(into);
                send_one();
            }
        }
    }

    void request(round_trip_meter& meter) override
    {
        if constexpr (can_send && can_receive) {
            slk::message into;
            do {
                send_one();
                receive_one(into);
            } while (meter.add());
        }
    }

protected:
    static constexpr bool can_send =
        !std::is_same_v<Socket, slk::pull> && !std::is_same_v<Socket, slk::sub>;
    static constexpr bool can_receive =
        !std::is_same_v<Socket, slk::push> && !std::is_same_v<Socket, slk::pub>;

    void send_one()
        requires can_send
    {
        if (const auto sent = socket_.send(std::string_view(text_)); !sent)
            give_up("send", slk::to_string(sent.error()));
    }

    void send_many(std::span<const std::span<const std::byte>> many)
        requires can_send
    {
        if (or_give_up(socket_.send_batch(many), "send_batch") != many.size())
            give_up("send_batch", "some were not queued");
    }

    void receive_one(slk::message& into)
    {
        if (const auto received = socket_.receive(into); !received)
            give_up("receive", slk::to_string(received.error()));
        check_size(into.size());
    }

    std::size_t receive_many(slk::received_batch& into)
    {
        const std::size_t count =
            or_give_up(socket_.receive_batch(into, max_received), "receive_batch");
        for (const std::span<const std::byte> each : into)
            check_size(each.size());
        return count;
    }

    void check_size(std::size_t size) const
    {
        if (size != text_.size())
            give_up("receive", "a message of another size");
    }

    Socket socket_;
    variant options_;
    std::string text_;
};

class serverlink_topics_publisher final : public serverlink_side<slk::pub> {
public:
    serverlink_topics_publisher(slk::context& context, const variant& options, const traffic& what)
        : serverlink_side(context, options, what), next_(what)
    {
    }
    void send() override
    {
        while (true)
            (void)or_give_up(socket_.send(next_.next()), "send");
    }

private:
    topic_text next_;
};

class serverlink_topics_subscriber final : public serverlink_side<slk::sub> {
public:
    serverlink_topics_subscriber(slk::context& context, const variant& options, const traffic& what)
        : serverlink_side(context, options, what)
    {
        for (std::size_t number = 0; number < what.count; ++number)
            or_give_up(socket_.subscribe(topic_text::topic(number, what.nested)), "subscribe");
        or_give_up(socket_.subscribe(topic_text::begin_topic), "subscribe");
    }
    void receive(stream_meter& meter) override
    {
        slk::message into;
        do
            receive_one(into);
        while (!into.text().starts_with(topic_text::begin_topic));
        serverlink_side::receive(meter);
    }
};

/// Replies to each request with its own bytes: a REP, or a ROUTER.
template <class Socket>
class serverlink_echo final : public side {
public:
    serverlink_echo(slk::context& context, const traffic& what)
        : socket_(or_give_up(Socket::create(context, options_for(what)), "create"))
    {
    }
    std::string bind(const std::string& endpoint) override
    {
        return or_give_up(socket_.bind(endpoint), "bind");
    }
    void connect(const std::string&) override {}
    void reply() override
    {
        slk::message part;
        slk::peer_id from;
        while (true) {
            if constexpr (std::is_same_v<Socket, slk::router>) {
                (void)or_give_up(socket_.receive(from, part), "receive");
                (void)or_give_up(socket_.send(from, std::move(part)), "send");
            } else {
                or_give_up(socket_.receive(part), "receive");
                (void)or_give_up(socket_.send(std::move(part)), "send");
            }
        }
    }

private:
    Socket socket_;
};

/// REQs, or DEALERs.
template <class Socket>
class serverlink_askers final : public side {
public:
    serverlink_askers(slk::context& context, const traffic& what) : text_(what.size, 'm')
    {
        for (std::size_t number = 0; number < what.count; ++number)
            all_.push_back(or_give_up(Socket::create(context, options_for(what)), "create"));
        for (Socket& each : all_)
            items_.push_back({.on = &each});
    }
    std::string bind(const std::string&) override { return {}; }
    void connect(const std::string& endpoint) override
    {
        for (Socket& each : all_)
            or_give_up(each.connect(endpoint), "connect");
    }
    void request_all(stream_meter& meter) override
    {
        for (Socket& each : all_)
            (void)or_give_up(each.send(std::string_view(text_)), "send");
        slk::message into;
        std::uint64_t count = 0;
        do {
            count = 0;
            or_give_up(slk::wait(items_), "wait");
            for (std::size_t index = 0; index < all_.size(); ++index) {
                if (!items_[index].readable)
                    continue;
                or_give_up(all_[index].receive(into, slk::no_wait), "receive");
                if (into.size() != text_.size())
                    give_up("receive", "a message of another size");
                ++count;
                (void)or_give_up(all_[index].send(std::string_view(text_)), "send");
            }
        } while (meter.add(count));
    }

private:
    std::string text_;
    std::vector<Socket> all_;
    std::vector<slk::wait_item> items_;
};

/// A DEALER behind a ROUTER and a DEALER: each message has the sender's routing id before it.
class serverlink_worker final : public serverlink_side<slk::dealer> {
public:
    using serverlink_side::serverlink_side;
    void receive(stream_meter& meter) override
    {
        slk::message into;
        do {
            or_give_up(socket_.receive(into), "receive");
            receive_one(into);
        } while (meter.add(1));
    }
};

class serverlink_subscriber final : public serverlink_side<slk::sub> {
public:
    serverlink_subscriber(slk::context& context, const variant& options, const traffic& what)
        : serverlink_side(context, options, what)
    {
        or_give_up(socket_.subscribe(""), "subscribe");
    }
};

template <class Front, class Back>
class serverlink_proxy final : public side {
public:
    explicit serverlink_proxy(slk::context& context)
        : front_(or_give_up(Front::create(context), "create")),
          back_(or_give_up(Back::create(context), "create"))
    {
    }
    std::string bind(const std::string& endpoint) override
    {
        return or_give_up(front_.bind(endpoint), "bind") + " " +
               or_give_up(back_.bind(endpoint), "bind");
    }
    void connect(const std::string&) override {}
    void forward() override
    {
        auto forwarding = or_give_up(slk::proxy::create(front_, back_), "proxy");
        (void)or_give_up(forwarding.run(), "run");
    }

private:
    Front front_;
    Back back_;
};

class serverlink_subscribers final : public side {
public:
    serverlink_subscribers(slk::context& context, const variant& options, const traffic& what)
        : options_(options), size_(what.size)
    {
        for (std::size_t number = 0; number < what.count; ++number) {
            all_.push_back(or_give_up(slk::sub::create(context, options_for(what)), "create"));
            or_give_up(all_.back().subscribe(""), "subscribe");
        }
        for (slk::sub& each : all_)
            items_.push_back({.on = &each});
    }

    std::string bind(const std::string&) override { return {}; }
    void connect(const std::string& endpoint) override
    {
        for (slk::sub& each : all_)
            or_give_up(each.connect(endpoint), "connect");
    }
    void receive(stream_meter& meter) override
    {
        slk::message into;
        slk::received_batch many;
        std::uint64_t count = 0;
        do {
            count = 0;
            for (slk::sub& each : all_)
                count += options_.batches ? receive_many(each, many) : receive_each(each, into);
            if (count == 0)
                or_give_up(slk::wait(items_), "wait");
        } while (meter.add(count));
    }

private:
    std::uint64_t receive_each(slk::sub& from, slk::message& into) const
    {
        for (std::uint64_t count = 0; count < max_received; ++count) {
            if (!from.receive(into, slk::no_wait))
                return count;
            check_size(into.size());
        }
        return max_received;
    }
    std::uint64_t receive_many(slk::sub& from, slk::received_batch& into) const
    {
        if (!from.receive_batch(into, max_received, slk::no_wait))
            return 0;
        for (const std::span<const std::byte> each : into)
            check_size(each.size());
        return into.size();
    }
    void check_size(std::size_t size) const
    {
        if (size != size_)
            give_up("receive", "a message of another size");
    }

    variant options_;
    std::size_t size_;
    std::vector<slk::sub> all_;
    std::vector<slk::wait_item> items_;
};

class serverlink_library final : public library {
public:
    explicit serverlink_library(const variant& options)
        : options_(options),
          context_(or_give_up(slk::context::create(context_options_of(options)), "context"))
    {
    }

    std::unique_ptr<side> open(role as, const traffic& what) override
    {
        const bool routed = what.kind == pattern::routed;
        if (what.kind == pattern::topics && as == role::publisher)
            return std::make_unique<serverlink_topics_publisher>(context_, options_, what);
        if (what.kind == pattern::topics)
            return std::make_unique<serverlink_topics_subscriber>(context_, options_, what);
        if (what.kind == pattern::queued)
            return open_of_queue(as, what);
        if (what.kind == pattern::published)
            return open_of_forwarder(as, what);
        if (has_askers(what.kind) && as == role::server)
            return routed ? open_one<serverlink_echo<slk::router>>(what)
                          : open_one<serverlink_echo<slk::rep>>(what);
        if (has_askers(what.kind))
            return routed ? open_one<serverlink_askers<slk::dealer>>(what)
                          : open_one<serverlink_askers<slk::req>>(what);
        switch (as) {
        case role::receiver:
            return std::make_unique<serverlink_side<slk::pull>>(context_, options_, what);
        case role::sender:
            return std::make_unique<serverlink_side<slk::push>>(context_, options_, what);
        case role::publisher:
            return std::make_unique<serverlink_side<slk::pub>>(context_, options_, what);
        case role::subscribers:
            return std::make_unique<serverlink_subscribers>(context_, options_, what);
        case role::proxy: return std::make_unique<serverlink_proxy<slk::pull, slk::push>>(context_);
        case role::server:
        case role::client: break;
        }
        return std::make_unique<serverlink_side<slk::pair>>(context_, options_, what);
    }

private:
    std::unique_ptr<side> open_of_queue(role as, const traffic& what)
    {
        if (as == role::proxy)
            return std::make_unique<serverlink_proxy<slk::router, slk::dealer>>(context_);
        if (as == role::receiver)
            return std::make_unique<serverlink_worker>(context_, options_, what);
        return std::make_unique<serverlink_side<slk::dealer>>(context_, options_, what);
    }
    std::unique_ptr<side> open_of_forwarder(role as, const traffic& what)
    {
        if (as == role::proxy)
            return std::make_unique<serverlink_proxy<slk::xsub, slk::xpub>>(context_);
        if (as == role::receiver)
            return std::make_unique<serverlink_subscriber>(context_, options_, what);
        return std::make_unique<serverlink_side<slk::pub>>(context_, options_, what);
    }
    template <class Side>
    std::unique_ptr<side> open_one(const traffic& what)
    {
        return std::make_unique<Side>(context_, what);
    }
    static slk::context_options context_options_of(const variant& from)
    {
        slk::context_options options;
        options.threads = from.threads;
        options.loop.backend = from.backend;
        return options;
    }

    variant options_;
    slk::context context_;
};

template <int Threads, bool Batches, bool Epoll>
std::unique_ptr<library> start()
{
    return std::make_unique<serverlink_library>(
        variant{Threads, Batches, Epoll ? std::string_view("epoll") : std::string_view()});
}

} // namespace

void add_serverlink_contenders(std::vector<contender>& to)
{
    to.push_back({.name = "serverlink",
                  .title = "serverlink",
                  .start = start<1, false, false>,
                  .fan_outs = true,
                  .proxies = true,
                  .curve = slk::has_curve(),
                  .askers = 1000});
    to.push_back({.name = "serverlink-batch",
                  .title = "serverlink, by batches",
                  .start = start<1, true, false>,
                  .round_trips = false,
                  .fan_outs = true,
                  .curve = slk::has_curve()});
    to.push_back({.name = "serverlink-no-thread",
                  .title = "serverlink, no thread",
                  .start = start<0, false, false>,
                  .inproc = false});
    const auto backends = slk::loop::compiled_backends();
    if (std::ranges::find(backends, "epoll") == backends.end() || backends.front() == "epoll")
        return;
    to.push_back({.name = "serverlink-epoll",
                  .title = "serverlink, epoll",
                  .start = start<1, false, true>,
                  .inproc = false,
                  .fan_outs = true,
                  .only_by_name = true});
    to.push_back({.name = "serverlink-no-thread-epoll",
                  .title = "serverlink, no thread, epoll",
                  .start = start<0, false, true>,
                  .inproc = false,
                  .only_by_name = true});
}

} // namespace bench
