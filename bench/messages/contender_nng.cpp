// SPDX-License-Identifier: MPL-2.0
#include "contender.hpp"

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>

namespace bench {

namespace {

void check(int outcome, std::string_view what)
{
    if (outcome != 0)
        give_up(what, nng_strerror(outcome));
}

int open_socket(part plays, nng_socket& opened)
{
    switch (plays) {
    case part::receiver: return nng_pull0_open(&opened);
    case part::sender: return nng_push0_open(&opened);
    case part::server:
    case part::client: return nng_pair0_open(&opened);
    }
    return NNG_EINVAL;
}

class nng_side final : public side {
public:
    nng_side(part plays, const traffic& what) : message_(what.size, 'm')
    {
        check(open_socket(plays, socket_), "nng_socket");
        // Messages of 1 MiB with their header are more than nng lets in by default.
        check(nng_socket_set_size(socket_, NNG_OPT_RECVMAXSZ, 0), NNG_OPT_RECVMAXSZ);
        if (what.high_water_mark) {
            // Some of its protocols have only one of these queues, or none.
            (void)nng_socket_set_int(socket_, NNG_OPT_SENDBUF, *what.high_water_mark);
            (void)nng_socket_set_int(socket_, NNG_OPT_RECVBUF, *what.high_water_mark);
        }
    }

    std::string bind(const std::string& endpoint) override
    {
        std::string written = endpoint;
        if (written.ends_with(":*"))
            written.back() = '0';
        nng_listener listener{};
        check(nng_listen(socket_, written.c_str(), &listener, 0), "nng_listen");
        if (written == endpoint)
            return written;
        int port = 0;
        check(nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port),
              "nng_listener_get_int");
        written.pop_back();
        return written + std::to_string(port);
    }

    void connect(const std::string& endpoint) override
    {
        check(nng_dial(socket_, endpoint.c_str(), nullptr, 0), "nng_dial");
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

    void answer() override
    {
        while (true) {
            receive_one();
            send_one();
        }
    }

    void ask(round_trip_meter& meter) override
    {
        do {
            send_one();
            receive_one();
        } while (meter.add());
    }

private:
    void send_one() { check(nng_send(socket_, message_.data(), message_.size(), 0), "nng_send"); }
    void receive_one()
    {
        nng_msg* received = nullptr;
        check(nng_recvmsg(socket_, &received, 0), "nng_recvmsg");
        if (nng_msg_len(received) != message_.size())
            give_up("nng_recvmsg", "a message of another size");
        nng_msg_free(received);
    }

    nng_socket socket_{};
    std::string message_;
};

class nng_library final : public library {
public:
    std::unique_ptr<side> open(part plays, const traffic& what) override
    {
        return std::make_unique<nng_side>(plays, what);
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
