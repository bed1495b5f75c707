// SPDX-License-Identifier: MPL-2.0
#include "contender.hpp"

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>

namespace bench {

namespace {

void require_nng(int outcome, std::string_view what)
{
    if (outcome != 0)
        give_up(what, nng_strerror(outcome));
}

int open_socket(role as, nng_socket& opened)
{
    switch (as) {
    case role::receiver: return nng_pull0_open(&opened);
    case role::sender: return nng_push0_open(&opened);
    case role::server:
    case role::client: return nng_pair0_open(&opened);
    case role::publisher:
    case role::subscribers:
    case role::proxy: break; // nng has no limit by which a subscriber misses nothing
    }
    return NNG_EINVAL;
}

class nng_side final : public side {
public:
    nng_side(role as, const traffic& what) : message_(what.size, 'm')
    {
        require_nng(open_socket(as, socket_), "nng_socket");
        // By default nng rejects messages of 1 MiB with their header.
        require_nng(nng_socket_set_size(socket_, NNG_OPT_RECVMAXSZ, 0), NNG_OPT_RECVMAXSZ);
        if (what.high_water_mark) {
            // Some protocols of nng have only one of these queues, or none.
            (void)nng_socket_set_int(socket_, NNG_OPT_SENDBUF, *what.high_water_mark);
            (void)nng_socket_set_int(socket_, NNG_OPT_RECVBUF, *what.high_water_mark);
        }
    }

    std::string bind(const std::string& endpoint) override
    {
        std::string address = endpoint;
        if (address.ends_with(":*"))
            address.back() = '0';
        nng_listener listener{};
        require_nng(nng_listen(socket_, address.c_str(), &listener, 0), "nng_listen");
        if (address == endpoint)
            return address;
        int port = 0;
        require_nng(nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port),
                    "nng_listener_get_int");
        address.pop_back();
        return address + std::to_string(port);
    }

    void connect(const std::string& endpoint) override
    {
        require_nng(nng_dial(socket_, endpoint.c_str(), nullptr, 0), "nng_dial");
    }

    void send() override
    {
        while (true)
            send_one();
    }

    void receive(stream_meter& meter) override
    {
        do
            receive_one();
        while (meter.add(1));
    }

    void reply() override
    {
        while (true) {
            receive_one();
            send_one();
        }
    }

    void request(round_trip_meter& meter) override
    {
        do {
            send_one();
            receive_one();
        } while (meter.add());
    }

private:
    void send_one()
    {
        require_nng(nng_send(socket_, message_.data(), message_.size(), 0), "nng_send");
    }
    void receive_one()
    {
        nng_msg* received = nullptr;
        require_nng(nng_recvmsg(socket_, &received, 0), "nng_recvmsg");
        if (nng_msg_len(received) != message_.size())
            give_up("nng_recvmsg", "a message of another size");
        nng_msg_free(received);
    }

    nng_socket socket_{};
    std::string message_;
};

class nng_library final : public library {
public:
    std::unique_ptr<side> open(role as, const traffic& what) override
    {
        return std::make_unique<nng_side>(as, what);
    }
};

} // namespace

contender nng_contender()
{
    return {.name = "nng",
            .title = std::string("nng ") + nng_version(),
            .start = []() -> std::unique_ptr<library> { return std::make_unique<nng_library>(); }};
}

} // namespace bench
