// SPDX-License-Identifier: MPL-2.0
// libzmq through its C interface, used as its own perf/local_thr and perf/remote_thr use it.

#include "contender.hpp"

#include <zmq.h>

#include <array>

namespace bench {

namespace {

void require_zmq(int outcome, std::string_view what)
{
    if (outcome < 0)
        give_up(what, zmq_strerror(zmq_errno()));
}

int type_of(role as, pattern kind)
{
    if (kind == pattern::queued)
        return ZMQ_DEALER;
    if (kind == pattern::published)
        return as == role::receiver ? ZMQ_SUB : ZMQ_PUB;
    switch (as) {
    case role::receiver: return ZMQ_PULL;
    case role::sender: return ZMQ_PUSH;
    case role::server:
    case role::client: return ZMQ_PAIR;
    case role::publisher: return ZMQ_PUB;
    case role::subscribers: return ZMQ_SUB;
    case role::proxy: break; // it has two
    }
    return ZMQ_PAIR;
}

std::string bind_zmq(void* socket, const std::string& endpoint)
{
    require_zmq(zmq_bind(socket, endpoint.c_str()), "zmq_bind");
    std::array<char, 256> bound{};
    std::size_t size = bound.size();
    require_zmq(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound.data(), &size),
                "ZMQ_LAST_ENDPOINT");
    return bound.data();
}

class libzmq_side : public side {
public:
    libzmq_side(void* context, role as, const traffic& what)
        : socket_(zmq_socket(context, type_of(as, what.kind))), message_(what.size, 'm'),
          named_(what.kind == pattern::queued)
    {
        if (socket_ == nullptr)
            give_up("zmq_socket", zmq_strerror(zmq_errno()));
        if (what.high_water_mark) {
            const int mark = *what.high_water_mark;
            require_zmq(zmq_setsockopt(socket_, ZMQ_SNDHWM, &mark, sizeof mark), "ZMQ_SNDHWM");
            require_zmq(zmq_setsockopt(socket_, ZMQ_RCVHWM, &mark, sizeof mark), "ZMQ_RCVHWM");
        }
        if (what.kind == pattern::published && as == role::receiver)
            require_zmq(zmq_setsockopt(socket_, ZMQ_SUBSCRIBE, "", 0), "ZMQ_SUBSCRIBE");
        if (what.curve)
            set_curve(as == role::receiver);
    }

    std::string bind(const std::string& endpoint) override { return bind_zmq(socket_, endpoint); }

    void connect(const std::string& endpoint) override
    {
        require_zmq(zmq_connect(socket_, endpoint.c_str()), "zmq_connect");
    }

    void send() override
    {
        while (true)
            send_one();
    }

    void receive(stream_meter& meter) override
    {
        zmq_msg_t into;
        zmq_msg_init(&into);
        do {
            if (named_) // by the ROUTER before
                require_zmq(zmq_msg_recv(&into, socket_, 0), "zmq_msg_recv");
            receive_one(into);
        } while (meter.add(1));
    }

    void reply() override
    {
        zmq_msg_t into;
        zmq_msg_init(&into);
        while (true) {
            receive_one(into);
            send_one();
        }
    }

    void request(round_trip_meter& meter) override
    {
        zmq_msg_t into;
        zmq_msg_init(&into);
        do {
            send_one();
            receive_one(into);
        } while (meter.add());
    }

protected:
    void set_curve(bool server)
    {
        const auto set = [&](int option, const char* key) {
            require_zmq(zmq_setsockopt(socket_, option, key, 40), "CURVE");
        };
        if (server) {
            const int on = 1;
            require_zmq(zmq_setsockopt(socket_, ZMQ_CURVE_SERVER, &on, sizeof on), "CURVE");
            return set(ZMQ_CURVE_SECRETKEY, curve_text::server_secret);
        }
        set(ZMQ_CURVE_SERVERKEY, curve_text::server_public);
        set(ZMQ_CURVE_PUBLICKEY, curve_text::client_public);
        set(ZMQ_CURVE_SECRETKEY, curve_text::client_secret);
    }
    void send_one()
    {
        require_zmq(zmq_send(socket_, message_.data(), message_.size(), 0), "zmq_send");
    }
    void receive_one(zmq_msg_t& into)
    {
        require_zmq(zmq_msg_recv(&into, socket_, 0), "zmq_msg_recv");
        if (zmq_msg_size(&into) != message_.size())
            give_up("zmq_msg_recv", "a message of another size");
    }

    void* socket_; ///< closed by the end of the process, as the context is
    std::string message_;
    bool named_ = false; ///< each message has the sender's routing id before it
};

class libzmq_topics_publisher final : public libzmq_side {
public:
    libzmq_topics_publisher(void* context, const traffic& what)
        : libzmq_side(context, role::publisher, what), next_(what)
    {
        constexpr int no_limit = 0;
        require_zmq(zmq_setsockopt(socket_, ZMQ_RCVHWM, &no_limit, sizeof no_limit), "ZMQ_RCVHWM");
    }
    void send() override
    {
        while (true) {
            const std::string_view text = next_.next();
            require_zmq(zmq_send(socket_, text.data(), text.size(), 0), "zmq_send");
        }
    }

private:
    topic_text next_;
};

class libzmq_topics_subscriber final : public libzmq_side {
public:
    libzmq_topics_subscriber(void* context, const traffic& what)
        : libzmq_side(context, role::subscribers, what)
    {
        // It loses subscriptions beyond its mark.
        constexpr int no_limit = 0;
        require_zmq(zmq_setsockopt(socket_, ZMQ_SNDHWM, &no_limit, sizeof no_limit), "ZMQ_SNDHWM");
        for (std::size_t number = 0; number < what.count; ++number)
            subscribe(topic_text::topic(number, what.nested));
        subscribe(topic_text::begin_topic);
    }
    void receive(stream_meter& meter) override
    {
        zmq_msg_t into;
        zmq_msg_init(&into);
        do
            receive_one(into);
        while (*static_cast<const char*>(zmq_msg_data(&into)) != topic_text::begin_topic[0]);
        libzmq_side::receive(meter);
    }

private:
    void subscribe(std::string_view topic)
    {
        require_zmq(zmq_setsockopt(socket_, ZMQ_SUBSCRIBE, topic.data(), topic.size()),
                    "ZMQ_SUBSCRIBE");
    }
};

/// Replies to each request with its own bytes: a REP, or a ROUTER.
class libzmq_echo final : public side {
public:
    libzmq_echo(void* context, const traffic& what)
        : socket_(zmq_socket(context, what.kind == pattern::routed ? ZMQ_ROUTER : ZMQ_REP))
    {
    }
    std::string bind(const std::string& endpoint) override { return bind_zmq(socket_, endpoint); }
    void connect(const std::string&) override {}
    void reply() override
    {
        zmq_msg_t part;
        zmq_msg_init(&part);
        while (true) {
            require_zmq(zmq_msg_recv(&part, socket_, 0), "zmq_msg_recv");
            require_zmq(zmq_msg_send(&part, socket_, zmq_msg_more(&part) ? ZMQ_SNDMORE : 0),
                        "zmq_msg_send");
        }
    }

private:
    void* socket_;
};

/// REQs, or DEALERs.
class libzmq_askers final : public side {
public:
    libzmq_askers(void* context, const traffic& what) : message_(what.size, 'm')
    {
        for (std::size_t number = 0; number < what.count; ++number) {
            void* const socket =
                zmq_socket(context, what.kind == pattern::routed ? ZMQ_DEALER : ZMQ_REQ);
            if (socket == nullptr)
                give_up("zmq_socket", zmq_strerror(zmq_errno()));
            items_.push_back({socket, 0, ZMQ_POLLIN, 0});
        }
    }
    std::string bind(const std::string&) override { return {}; }
    void connect(const std::string& endpoint) override
    {
        for (const zmq_pollitem_t& each : items_)
            require_zmq(zmq_connect(each.socket, endpoint.c_str()), "zmq_connect");
    }
    void request_all(stream_meter& meter) override
    {
        for (const zmq_pollitem_t& each : items_)
            ask(each.socket);
        zmq_msg_t into;
        zmq_msg_init(&into);
        std::uint64_t count = 0;
        do {
            count = 0;
            require_zmq(zmq_poll(items_.data(), static_cast<int>(items_.size()), -1), "zmq_poll");
            for (const zmq_pollitem_t& each : items_) {
                if ((each.revents & ZMQ_POLLIN) == 0)
                    continue;
                require_zmq(zmq_msg_recv(&into, each.socket, 0), "zmq_msg_recv");
                if (zmq_msg_size(&into) != message_.size())
                    give_up("zmq_msg_recv", "a message of another size");
                ++count;
                ask(each.socket);
            }
        } while (meter.add(count));
    }

private:
    void ask(void* socket)
    {
        require_zmq(zmq_send(socket, message_.data(), message_.size(), 0), "zmq_send");
    }

    std::vector<zmq_pollitem_t> items_;
    std::string message_;
};

class libzmq_proxy final : public side {
public:
    libzmq_proxy(void* context, int front, int back)
        : front_(zmq_socket(context, front)), back_(zmq_socket(context, back))
    {
    }
    std::string bind(const std::string& endpoint) override
    {
        return bind_zmq(front_, endpoint) + " " + bind_zmq(back_, endpoint);
    }
    void connect(const std::string&) override {}
    void forward() override { require_zmq(zmq_proxy(front_, back_, nullptr), "zmq_proxy"); }

private:
    void* front_;
    void* back_;
};

class libzmq_subscribers final : public side {
public:
    libzmq_subscribers(void* context, const traffic& what) : size_(what.size)
    {
        for (std::size_t number = 0; number < what.count; ++number) {
            void* const socket = zmq_socket(context, ZMQ_SUB);
            if (socket == nullptr)
                give_up("zmq_socket", zmq_strerror(zmq_errno()));
            if (what.high_water_mark) {
                const int mark = *what.high_water_mark;
                require_zmq(zmq_setsockopt(socket, ZMQ_RCVHWM, &mark, sizeof mark), "ZMQ_RCVHWM");
            }
            require_zmq(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0), "ZMQ_SUBSCRIBE");
            items_.push_back({socket, 0, ZMQ_POLLIN, 0});
        }
    }

    std::string bind(const std::string&) override { return {}; }
    void connect(const std::string& endpoint) override
    {
        for (const zmq_pollitem_t& each : items_)
            require_zmq(zmq_connect(each.socket, endpoint.c_str()), "zmq_connect");
    }
    void receive(stream_meter& meter) override
    {
        zmq_msg_t into;
        zmq_msg_init(&into);
        std::uint64_t count = 0;
        do {
            count = 0;
            for (const zmq_pollitem_t& each : items_)
                count += receive_from(each.socket, into);
            if (count == 0)
                require_zmq(zmq_poll(items_.data(), static_cast<int>(items_.size()), -1),
                            "zmq_poll");
        } while (meter.add(count));
    }

private:
    /// What is there, up to a maximum.
    std::uint64_t receive_from(void* socket, zmq_msg_t& into) const
    {
        for (std::uint64_t count = 0; count < max_received; ++count) {
            if (zmq_msg_recv(&into, socket, ZMQ_DONTWAIT) < 0)
                return count;
            if (zmq_msg_size(&into) != size_)
                give_up("zmq_msg_recv", "a message of another size");
        }
        return max_received;
    }

    static constexpr std::uint64_t max_received = 512;
    std::size_t size_;
    std::vector<zmq_pollitem_t> items_;
};

class libzmq_library final : public library {
public:
    std::unique_ptr<side> open(role as, const traffic& what) override
    {
        if (as == role::subscribers && what.kind == pattern::topics)
            return std::make_unique<libzmq_topics_subscriber>(context_, what);
        if (as == role::publisher && what.kind == pattern::topics)
            return std::make_unique<libzmq_topics_publisher>(context_, what);
        if (as == role::subscribers)
            return std::make_unique<libzmq_subscribers>(context_, what);
        if (as == role::proxy && what.kind == pattern::queued)
            return std::make_unique<libzmq_proxy>(context_, ZMQ_ROUTER, ZMQ_DEALER);
        if (as == role::proxy && what.kind == pattern::published)
            return std::make_unique<libzmq_proxy>(context_, ZMQ_XSUB, ZMQ_XPUB);
        if (as == role::proxy)
            return std::make_unique<libzmq_proxy>(context_, ZMQ_PULL, ZMQ_PUSH);
        if (as == role::client && has_askers(what.kind))
            return std::make_unique<libzmq_askers>(context_, what);
        if (as == role::server && has_askers(what.kind))
            return std::make_unique<libzmq_echo>(context_, what);
        return std::make_unique<libzmq_side>(context_, as, what);
    }

private:
    static void* make_context()
    {
        void* const made = zmq_ctx_new();
        constexpr int sockets = 2048; // a thousand subscribers are near the default
        require_zmq(zmq_ctx_set(made, ZMQ_MAX_SOCKETS, sockets), "ZMQ_MAX_SOCKETS");
        return made;
    }

    void* context_ = make_context();
};

} // namespace

contender libzmq_contender()
{
    int major = 0;
    int minor = 0;
    int patch = 0;
    zmq_version(&major, &minor, &patch);
    const std::string title = "libzmq " + std::to_string(major) + "." + std::to_string(minor) +
                              "." + std::to_string(patch);
    return {
        .name = libzmq_name,
        .title = title,
        .start = []() -> std::unique_ptr<library> { return std::make_unique<libzmq_library>(); },
        .fan_outs = true,
        .proxies = true,
        .curve = zmq_has("curve") == 1,
        .askers = 1000};
}

} // namespace bench
