// SPDX-License-Identifier: MPL-2.0

// zmq_proxy() and its like: as libzmq's they move parts of any type of socket, also a STREAM's, and
// end with EINTR after a signal. slk::proxy moves whole messages and does neither.

#include <libzmq/zmq.h>

#include "libzmq/errors.hpp"
#include "libzmq/socket.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace slk::libzmq {

namespace {

/// Messages of one direction before the other one has its turn.
constexpr int max_in_a_row = 1000;

/// A part, which ends with its owner.
class scoped_part {
public:
    scoped_part() noexcept { zmq_msg_init(&part_); }
    scoped_part(const scoped_part&) = delete;
    scoped_part& operator=(const scoped_part&) = delete;
    ~scoped_part() { zmq_msg_close(&part_); }

    [[nodiscard]] zmq_msg_t* get() noexcept { return &part_; }
    [[nodiscard]] std::string_view text() noexcept
    {
        return {static_cast<const char*>(zmq_msg_data(&part_)), zmq_msg_size(&part_)};
    }

private:
    zmq_msg_t part_;
};

struct traffic {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
};

struct proxy_end {
    void* socket;
    traffic received{};
    traffic sent{};
};

class message_proxy {
public:
    message_proxy(void* front, void* back, void* capture, void* control) noexcept
        : front_{front}, back_{back}, capture_(capture), control_(control)
    {
    }

    /// Returns 0 after TERMINATE; -1, and errno is set.
    int run()
    {
        while (!terminated_) {
            if (wait() < 0 || obey() < 0 || move_both() < 0)
                return -1;
        }
        return 0;
    }

private:
    /// One way. It waits for a message, and then for room.
    struct direction {
        proxy_end& from;
        proxy_end& to;
        bool has_message = false;
        bool has_room = false;

        [[nodiscard]] short waits_to_receive() const noexcept
        {
            return has_message ? 0 : ZMQ_POLLIN;
        }
        [[nodiscard]] short waits_to_send() const noexcept
        {
            return has_message && !has_room ? ZMQ_POLLOUT : 0;
        }
    };

    int wait()
    {
        const auto events = [](short of_one, short of_other) {
            return static_cast<short>(of_one | of_other);
        };
        const bool moves = !paused_;
        std::array<zmq_pollitem_t, 3> items{{
            {front_.socket, 0, events(there_.waits_to_receive(), back_again_.waits_to_send()), 0},
            {back_.socket, 0, events(back_again_.waits_to_receive(), there_.waits_to_send()), 0},
            {control_, 0, ZMQ_POLLIN, 0},
        }};
        if (is_one())
            items[1].events = 0;
        zmq_pollitem_t* const first = moves ? items.data() : &items[2];
        const int count = (moves ? 2 : 0) + (control_ != nullptr ? 1 : 0);
        if (zmq_poll(first, count, -1) < 0)
            return -1;
        controlled_ = items[2].revents != 0;
        if (!moves)
            return 0;
        note(there_, items[0].revents, items[1].revents);
        note(back_again_, items[1].revents, items[0].revents);
        return 0;
    }
    static void note(direction& of, short from, short to) noexcept
    {
        of.has_message = of.has_message || (from & ZMQ_POLLIN) != 0;
        of.has_room = of.has_room || (to & ZMQ_POLLOUT) != 0;
    }

    int move_both()
    {
        if (paused_ || terminated_)
            return 0;
        if (move(there_) < 0)
            return -1;
        return is_one() ? 0 : move(back_again_);
    }
    int move(direction& of)
    {
        if (!of.has_message)
            return 0;
        // A REP that is both ends has room when it has received.
        if (!of.has_room && !is_one()) {
            zmq_pollitem_t item{of.to.socket, 0, ZMQ_POLLOUT, 0};
            if (zmq_poll(&item, 1, 0) < 0)
                return -1;
            if (item.revents == 0)
                return 0;
        }
        of.has_room = false;
        for (int number = 0; number < max_in_a_row; ++number) {
            const int moved = move_one(of);
            if (moved < 0 && errno != EAGAIN)
                return -1;
            if (moved < 0)
                break;
        }
        of.has_message = false;
        return 0;
    }
    /// Returns -1, EAGAIN if there is no message.
    int move_one(direction& of)
    {
        scoped_part part;
        for (bool more = true; more;) {
            const int size = zmq_msg_recv(part.get(), of.from.socket, ZMQ_DONTWAIT);
            if (size < 0)
                return -1;
            more = zmq_msg_more(part.get()) != 0;
            of.from.received.bytes += static_cast<unsigned>(size);
            if (captured(part, more) < 0 ||
                zmq_msg_send(part.get(), of.to.socket, more ? ZMQ_SNDMORE : 0) < 0)
                return errno == EAGAIN ? fail(ETIMEDOUT) : -1;
            of.to.sent.bytes += static_cast<unsigned>(size);
        }
        ++of.from.received.messages;
        ++of.to.sent.messages;
        return 0;
    }
    int captured(scoped_part& part, bool more)
    {
        if (capture_ == nullptr)
            return 0;
        scoped_part copy;
        if (zmq_msg_copy(copy.get(), part.get()) < 0)
            return -1;
        return zmq_msg_send(copy.get(), capture_, more ? ZMQ_SNDMORE : 0);
    }

    /// A command, if there is one. What is none, or has several parts, changes nothing.
    int obey()
    {
        if (!controlled_)
            return 0;
        scoped_part command;
        if (zmq_msg_recv(command.get(), control_, ZMQ_DONTWAIT) < 0)
            return errno == EAGAIN ? 0 : -1;
        if (captured(command, zmq_msg_more(command.get()) != 0) < 0)
            return -1;
        bool is_single = true;
        for (; zmq_msg_more(command.get()) != 0; is_single = false) {
            if (zmq_msg_recv(command.get(), control_, 0) < 0)
                return -1;
        }
        const std::string_view text = is_single ? command.text() : std::string_view();
        if (text == "STATISTICS")
            return send_statistics();
        if (text == "PAUSE")
            paused_ = true;
        else if (text == "RESUME")
            paused_ = false;
        else if (text == "TERMINATE")
            terminated_ = true;
        // A REP receives nothing more before it has answered.
        const socket_object* const by = socket_object::find(control_);
        if (by != nullptr && by->type() == ZMQ_REP)
            return zmq_send(control_, nullptr, 0, 0);
        return 0;
    }
    int send_statistics()
    {
        const std::array<std::uint64_t, 8> numbers{front_.received.messages, front_.received.bytes,
                                                   front_.sent.messages,     front_.sent.bytes,
                                                   back_.received.messages,  back_.received.bytes,
                                                   back_.sent.messages,      back_.sent.bytes};
        for (const std::uint64_t& each : numbers) {
            const int flags = &each == &numbers.back() ? 0 : ZMQ_SNDMORE;
            if (zmq_send(control_, &each, sizeof each, flags) < 0)
                return -1;
        }
        return 0;
    }

    [[nodiscard]] bool is_one() const noexcept { return front_.socket == back_.socket; }

    proxy_end front_;
    proxy_end back_;
    void* const capture_;
    void* const control_;
    direction there_{front_, back_};
    direction back_again_{back_, front_};
    bool controlled_ = false; ///< there is a command
    bool paused_ = false;
    bool terminated_ = false;
};

} // namespace

} // namespace slk::libzmq

using namespace slk::libzmq;

int zmq_proxy_steerable(void* frontend, void* backend, void* capture, void* control)
{
    if (frontend == nullptr || backend == nullptr)
        return fail(EFAULT);
    for (const void* each : {frontend, backend, capture, control})
        if (each != nullptr && socket_object::find(each) == nullptr)
            return fail(ENOTSOCK);
    return message_proxy(frontend, backend, capture, control).run();
}

int zmq_proxy(void* frontend, void* backend, void* capture)
{
    return zmq_proxy_steerable(frontend, backend, capture, nullptr);
}

int zmq_device(int, void* frontend, void* backend)
{
    return zmq_proxy_steerable(frontend, backend, nullptr, nullptr);
}
