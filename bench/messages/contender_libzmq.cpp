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

class libzmq_library final : public library {
public:
    std::unique_ptr<side> open(role as, const traffic& what) override
    {
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
    return {.name = libzmq_name, .title = title, .start = []() -> std::unique_ptr<library> {
                return std::make_unique<libzmq_library>();
            }};
}

} // namespace bench
