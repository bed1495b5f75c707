// SPDX-License-Identifier: MPL-2.0
// serverlink through its C API: what that costs beside `serverlink`.

#include "contender.hpp"

#include <serverlink/serverlink.h>

#include <array>

namespace bench {

namespace {

int require_slk(int outcome, std::string_view what)
{
    if (outcome < 0)
        give_up(what, slk_strerror(slk_errno()));
    return outcome;
}

int slk_type_of(role as)
{
    switch (as) {
    case role::receiver: return SLK_PULL;
    case role::sender: return SLK_PUSH;
    case role::server:
    case role::client: return SLK_PAIR;
    case role::publisher:
    case role::subscribers:
    case role::proxy: break; // it is not asked to
    }
    return -1;
}

class c_side final : public side {
public:
    c_side(slk_ctx_t* context, role as, const traffic& what)
        : socket_(slk_socket(context, slk_type_of(as))), sent_(what.size, 'm'),
          received_(what.size, 0)
    {
        if (socket_ == nullptr)
            give_up("slk_socket", slk_strerror(slk_errno()));
        if (what.high_water_mark) {
            const int mark = *what.high_water_mark;
            require_slk(slk_setsockopt(socket_, SLK_SNDHWM, &mark, sizeof mark), "SLK_SNDHWM");
            require_slk(slk_setsockopt(socket_, SLK_RCVHWM, &mark, sizeof mark), "SLK_RCVHWM");
        }
    }

    std::string bind(const std::string& endpoint) override
    {
        require_slk(slk_bind(socket_, endpoint.c_str()), "slk_bind");
        std::array<char, 256> bound{};
        std::size_t size = bound.size();
        require_slk(slk_getsockopt(socket_, SLK_LAST_ENDPOINT, bound.data(), &size),
                    "SLK_LAST_ENDPOINT");
        return bound.data();
    }
    void connect(const std::string& endpoint) override
    {
        require_slk(slk_connect(socket_, endpoint.c_str()), "slk_connect");
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
    void send_one() { require_slk(slk_send(socket_, sent_.data(), sent_.size(), 0), "slk_send"); }
    void receive_one()
    {
        const int size =
            require_slk(slk_recv(socket_, received_.data(), received_.size(), 0), "slk_recv");
        if (static_cast<std::size_t>(size) != received_.size())
            give_up("slk_recv", "a message of another size");
    }

    slk_socket_t* socket_; ///< closed by the end of the process, as the context is
    std::string sent_;
    std::string received_;
};

class c_library final : public library {
public:
    c_library() : context_(slk_ctx_new())
    {
        if (context_ == nullptr)
            give_up("slk_ctx_new", slk_strerror(slk_errno()));
    }
    std::unique_ptr<side> open(role as, const traffic& what) override
    {
        return std::make_unique<c_side>(context_, as, what);
    }

private:
    slk_ctx_t* context_;
};

std::unique_ptr<library> start_c_api()
{
    return std::make_unique<c_library>();
}

} // namespace

contender serverlink_c_contender()
{
    return {.name = "serverlink-c",
            .title = "serverlink, C API",
            .start = start_c_api,
            .only_by_name = true};
}

} // namespace bench
