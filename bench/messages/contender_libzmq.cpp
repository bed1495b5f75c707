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

int type_of(role as)
{
    switch (as) {
    case role::receiver: return ZMQ_PULL;
    case role::sender: return ZMQ_PUSH;
    case role::server:
    case role::client: return ZMQ_PAIR;
    case role::publisher: return ZMQ_PUB;
    case role::subscribers: return ZMQ_SUB;
    }
    return ZMQ_PAIR;
}

class libzmq_side final : public side {
public:
    libzmq_side(void* context, role as, const traffic& what)
        : socket_(zmq_socket(context, type_of(as))), message_(what.size, 'm')
    {
        if (socket_ == nullptr)
            give_up("zmq_socket", zmq_strerror(zmq_errno()));
        if (what.high_water_mark) {
            const int mark = *what.high_water_mark;
            require_zmq(zmq_setsockopt(socket_, ZMQ_SNDHWM, &mark, sizeof mark), "ZMQ_SNDHWM");
            require_zmq(zmq_setsockopt(socket_, ZMQ_RCVHWM, &mark, sizeof mark), "ZMQ_RCVHWM");
        }
    }

    std::string bind(const std::string& endpoint) override
    {
        require_zmq(zmq_bind(socket_, endpoint.c_str()), "zmq_bind");
        std::array<char, 256> bound{};
        std::size_t size = bound.size();
        require_zmq(zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, bound.data(), &size),
                    "ZMQ_LAST_ENDPOINT");
        return bound.data();
    }

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
        do
            receive_one(into);
        while (meter.add(1));
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

private:
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
};

class libzmq_subscribers final : public side {
public:
    libzmq_subscribers(void* context, const traffic& what) : size_(what.size)
    {
        for (std::size_t number = 0; number < what.subscribers; ++number) {
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
    void send() override {}
    void reply() override {}
    void request(round_trip_meter&) override {}

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
        if (as == role::subscribers)
            return std::make_unique<libzmq_subscribers>(context_, what);
        return std::make_unique<libzmq_side>(context_, as, what);
    }

private:
    void* context_ = zmq_ctx_new();
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
        .fan_outs = true};
}

} // namespace bench
