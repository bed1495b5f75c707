// SPDX-License-Identifier: MPL-2.0
#include "libzmq_target.hpp"

#include "capi_input.hpp"

#include <libzmq/zmq.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <sys/uio.h>

namespace slk::fuzz {

namespace {

constexpr std::size_t max_calls = 200;

/// Nothing here waits, so EINTR and the like cannot happen.
bool is_documented(int number)
{
    constexpr std::array all{
        EINVAL,       ENOTSOCK,        EFAULT,       EAGAIN,         ETERM,       EFSM,   ENOTSUP,
        EMTHREAD,     EMFILE,          EADDRINUSE,   EADDRNOTAVAIL,  ENODEV,      ENOENT, EACCES,
        ENAMETOOLONG, EPROTONOSUPPORT, EHOSTUNREACH, ENOCOMPATPROTO, EAFNOSUPPORT};
    return std::ranges::find(all, number) != all.end();
}

class world {
public:
    explicit world(capi_input& input) : in_(input), context_(zmq_ctx_new())
    {
        zmq_ctx_set(context_, ZMQ_BLOCKY, 0);
        for (zmq_msg_t& each : messages_)
            zmq_msg_init(&each);
    }
    world(const world&) = delete;
    world& operator=(const world&) = delete;
    ~world()
    {
        for (void*& each : sockets_)
            if (each != nullptr)
                zmq_close(each);
        zmq_ctx_term(context_);
        for (std::size_t i = 0; i < messages_.size(); ++i)
            if (is_open_[i])
                zmq_msg_close(&messages_[i]);
        zmq_timers_destroy(&timers_);
    }

    const char* run()
    {
        for (std::size_t count = 0; count < max_calls && !in_.is_empty() && broken_ == nullptr;
             ++count)
            step();
        return broken_;
    }

private:
    void say(const char* promise) noexcept
    {
        if (broken_ == nullptr)
            broken_ = promise;
    }
    /// A call whose result is -1 and an errno, or something else.
    template <class Call>
    long call(Call made)
    {
        errno = 0;
        const long outcome = made();
        if (outcome < -1)
            say("a value below -1");
        if (outcome == -1 && !is_documented(errno))
            say("a failure without a documented errno");
        return outcome;
    }

    std::size_t slot() { return in_.index(sockets_.size()); }
    /// A socket, or what is none.
    void* socket()
    {
        switch (in_.byte()) {
        case 255: return nullptr;
        case 254: return this;
        case 253: return context_;
        case 252: return closed_;
        case 251: return reinterpret_cast<char*>(sockets_[0]) + 1;
        default: return sockets_[slot()];
        }
    }
    std::string endpoint()
    {
        std::array<char, 256> last{};
        std::size_t size = last.size();
        void* const of = sockets_[slot()];
        if (of == nullptr || zmq_getsockopt(of, ZMQ_LAST_ENDPOINT, last.data(), &size) != 0)
            last[0] = '\0';
        return in_.endpoint(last.data());
    }
    int flags() { return ZMQ_DONTWAIT | static_cast<int>(in_.byte() % 4 == 3 ? ZMQ_SNDMORE : 0); }

    void open()
    {
        const std::size_t at = slot();
        if (sockets_[at] != nullptr)
            return;
        errno = 0;
        sockets_[at] = zmq_socket(context_, static_cast<int>(in_.byte() % 14) - 1);
        if (sockets_[at] == nullptr && !is_documented(errno))
            say("no socket, without a documented errno");
    }
    void close()
    {
        const std::size_t at = slot();
        void* const which = std::exchange(sockets_[at], nullptr);
        if (which == nullptr)
            return;
        if (zmq_close(which) != 0)
            say("a socket that cannot be closed");
        closed_ = which;
        if (zmq_close(which) != -1 || errno != ENOTSOCK)
            say("a socket that was closed twice");
    }
    void set_option()
    {
        constexpr std::array known{4,  5,  6,  7,  8,  9,  11, 12, 13, 14, 15, 16, 19,  21,  22, 23,
                                   24, 25, 27, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39,  40,  41, 42,
                                   43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55,  56,  57, 58,
                                   59, 60, 61, 62, 63, 66, 69, 70, 71, 72, 73, 74, 75,  76,  77, 78,
                                   79, 80, 81, 84, 85, 90, 92, 93, 94, 96, 98, 99, 100, 108, 109};
        const int option = known[in_.index(known.size())];
        void* const to = socket();
        if (in_.byte() % 2 == 0) {
            const int value = in_.number();
            call([&] { return zmq_setsockopt(to, option, &value, sizeof value); });
        } else {
            const auto bytes = in_.bytes(in_.index(300));
            call([&] { return zmq_setsockopt(to, option, bytes.data(), bytes.size()); });
        }
    }
    void get_option()
    {
        const int option = static_cast<int>(in_.byte() % 112);
        std::array<unsigned char, 300> room;
        room.fill(0xC7);
        const std::size_t offered = std::min<std::size_t>(in_.size(), 280);
        std::size_t size = offered;
        void* const of = socket();
        const long outcome = call([&] { return zmq_getsockopt(of, option, room.data(), &size); });
        if (outcome == 0 && size > offered)
            say("an option larger than its room");
        if (room[offered] != 0xC7)
            say("an option written behind its room");
    }
    void message()
    {
        const std::size_t at = in_.index(messages_.size());
        const std::size_t other = in_.index(messages_.size());
        zmq_msg_t* const one = &messages_[at];
        switch (in_.byte() % 8) {
        case 0:
            if (!is_open_[at])
                is_open_[at] = zmq_msg_init_size(one, in_.size()) == 0;
            if (is_open_[at])
                std::memset(zmq_msg_data(one), 'm', zmq_msg_size(one));
            break;
        case 1:
            call([&] { return zmq_msg_close(one); });
            is_open_[at] = false;
            break;
        case 2: call([&] { return zmq_msg_copy(one, &messages_[other]); }); break;
        case 3: call([&] { return zmq_msg_move(one, &messages_[other]); }); break;
        case 4: call([&] { return zmq_msg_send(one, socket(), flags()); }); break;
        case 5: call([&] { return zmq_msg_recv(one, socket(), ZMQ_DONTWAIT); }); break;
        case 6:
            if (is_open_[at] && zmq_msg_get(one, in_.number()) < -1)
                say("a property below -1");
            break;
        default:
            if (!is_open_[at])
                is_open_[at] = zmq_msg_init_data(one, constant_.data(), constant_.size(), nullptr,
                                                 nullptr) == 0;
            break;
        }
    }
    void poll()
    {
        std::array<zmq_pollitem_t, 3> items{};
        for (zmq_pollitem_t& each : items) {
            each.socket = socket();
            each.fd = -1;
            each.events = in_.events();
        }
        const int count = static_cast<int>(in_.index(5)) - 1;
        const long ready = call([&] { return zmq_poll(items.data(), std::min(count, 3), 0); });
        if (ready > count)
            say("more items are ready than there are");
    }
    void vectors()
    {
        std::array<iovec, 3> parts{};
        std::size_t count = in_.index(4);
        void* const on = socket();
        if (in_.byte() % 2 == 0) {
            for (iovec& each : parts)
                each = {constant_.data(), in_.index(constant_.size())};
            call([&] { return zmq_sendiov(on, parts.data(), count, flags()); });
            return;
        }
        call([&] { return zmq_recviov(on, parts.data(), &count, ZMQ_DONTWAIT); });
        for (const iovec& each : parts)
            std::free(each.iov_base);
    }
    void set_context()
    {
        constexpr std::array known{0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 42, 77};
        const int option = known[in_.index(known.size())];
        if (in_.byte() % 2 == 0)
            (void)zmq_ctx_get(context_, option); // the value may be -1
        else
            call([&] { return zmq_ctx_set(context_, option, static_cast<int>(in_.byte()) - 2); });
    }
    void timers()
    {
        if (timers_ == nullptr)
            timers_ = zmq_timers_new();
        const int id = static_cast<int>(in_.index(5));
        void* const of = in_.seldom() ? nullptr : timers_;
        switch (in_.byte() % 5) {
        case 0:
            call([&] { return zmq_timers_add(of, in_.byte(), [](int, void*) {}, nullptr); });
            break;
        case 1: call([&] { return zmq_timers_cancel(of, id); }); break;
        case 2: call([&] { return zmq_timers_set_interval(of, id, in_.byte()); }); break;
        case 3: call([&] { return zmq_timers_execute(of); }); break;
        default: (void)zmq_timers_timeout(of); break;
        }
    }
    void keys()
    {
        std::array<char, 128> text{};
        std::array<std::uint8_t, 128> back{};
        const auto bytes = in_.bytes(in_.index(60));
        const auto* const data = reinterpret_cast<const std::uint8_t*>(bytes.data());
        if (zmq_z85_encode(text.data(), data, bytes.size()) == nullptr || bytes.empty())
            return;
        if (zmq_z85_decode(back.data(), text.data()) == nullptr ||
            std::memcmp(back.data(), data, bytes.size()) != 0)
            say("Z85 does not give back what it was given");
    }

    void step()
    {
        switch (in_.byte() % 20) {
        case 0:
        case 1:
        case 2: open(); break;
        case 3: close(); break;
        case 4:
        case 5: call([&] { return zmq_bind(socket(), endpoint().c_str()); }); break;
        case 6:
        case 7: call([&] { return zmq_connect(socket(), endpoint().c_str()); }); break;
        case 8: call([&] { return zmq_unbind(socket(), endpoint().c_str()); }); break;
        case 9: call([&] { return zmq_disconnect(socket(), endpoint().c_str()); }); break;
        case 10: set_option(); break;
        case 11: get_option(); break;
        case 12: {
            const auto bytes = in_.bytes(in_.size());
            call([&] { return zmq_send(socket(), bytes.data(), bytes.size(), flags()); });
            break;
        }
        case 13: {
            std::array<char, 64> room{};
            call([&] { return zmq_recv(socket(), room.data(), room.size(), ZMQ_DONTWAIT); });
            break;
        }
        case 14: message(); break;
        case 15: poll(); break;
        case 16: vectors(); break;
        case 17: set_context(); break;
        case 18: in_.byte() % 2 == 0 ? timers() : keys(); break;
        default: {
            const std::string name = endpoint();
            call([&] {
                return zmq_socket_monitor(socket(), in_.seldom() ? nullptr : name.c_str(),
                                          in_.number());
            });
            break;
        }
        }
    }

    capi_input& in_;
    void* const context_;
    std::array<void*, 4> sockets_{};
    void* closed_ = nullptr;
    std::array<zmq_msg_t, 3> messages_{};
    std::array<bool, 3> is_open_{true, true, true};
    std::array<char, 50> constant_{};
    void* timers_ = nullptr;
    const char* broken_ = nullptr;
};

} // namespace

const char* run_libzmq(zmtp::byte_view data)
{
    capi_input input(data);
    return world(input).run();
}

} // namespace slk::fuzz
