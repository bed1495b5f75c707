// SPDX-License-Identifier: MPL-2.0
#include "libzmq_socket.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <thread>

#include <zmq.h>

namespace slk::testing {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

bool wait_for(void* socket, short events, milliseconds timeout)
{
    zmq_pollitem_t item{socket, 0, events, 0};
    return zmq_poll(&item, 1, timeout.count()) == 1;
}

std::string next_monitor_name()
{
    static std::atomic<int> number{0};
    return "inproc://monitor-" + std::to_string(++number);
}

} // namespace

libzmq_context::libzmq_context() : context_(zmq_ctx_new()) {}

libzmq_context::~libzmq_context()
{
    zmq_ctx_term(context_);
}

libzmq_socket::libzmq_socket(libzmq_context& in, int type) : socket_(zmq_socket(in.get(), type))
{
    set(ZMQ_LINGER, 0);
}

void libzmq_socket::close() noexcept
{
    if (socket_ != nullptr)
        zmq_close(std::exchange(socket_, nullptr));
}

bool libzmq_socket::set(int option, int value)
{
    return zmq_setsockopt(socket_, option, &value, sizeof value) == 0;
}

bool libzmq_socket::set(int option, std::string_view value)
{
    return zmq_setsockopt(socket_, option, value.data(), value.size()) == 0;
}

std::string libzmq_socket::bind(const std::string& endpoint)
{
    const auto end = steady_clock::now() + test_timeout;
    // libzmq frees a port some time after zmq_unbind() or zmq_close().
    while (zmq_bind(socket_, endpoint.c_str()) != 0) {
        if (zmq_errno() != EADDRINUSE || steady_clock::now() > end)
            return {};
        std::this_thread::yield();
    }
    char where[256] = "";
    std::size_t size = sizeof where;
    zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, where, &size);
    return where;
}

bool libzmq_socket::unbind(const std::string& endpoint)
{
    return zmq_unbind(socket_, endpoint.c_str()) == 0;
}

bool libzmq_socket::connect(const std::string& endpoint)
{
    return zmq_connect(socket_, endpoint.c_str()) == 0;
}

bool libzmq_socket::disconnect(const std::string& endpoint)
{
    return zmq_disconnect(socket_, endpoint.c_str()) == 0;
}

int libzmq_socket::try_send(const parts& whole)
{
    for (std::size_t index = 0; index < whole.size(); ++index) {
        const int more = index + 1 < whole.size() ? ZMQ_SNDMORE : 0;
        const std::string& part = whole[index];
        if (zmq_send(socket_, part.data(), part.size(), more | ZMQ_DONTWAIT) < 0)
            return zmq_errno();
    }
    return 0;
}

bool libzmq_socket::send(const parts& whole, milliseconds timeout)
{
    const auto end = steady_clock::now() + timeout;
    for (;;) {
        if (try_send(whole) == 0)
            return true;
        const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
        if (left <= 0ms || !wait_for(socket_, ZMQ_POLLOUT, left))
            return false;
    }
}

std::optional<parts> libzmq_socket::receive(milliseconds timeout)
{
    if (!wait_for(socket_, ZMQ_POLLIN, timeout))
        return std::nullopt;
    parts whole;
    int more = 1;
    while (more != 0) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        const bool got = zmq_msg_recv(&part, socket_, ZMQ_DONTWAIT) >= 0;
        if (got)
            whole.emplace_back(static_cast<const char*>(zmq_msg_data(&part)), zmq_msg_size(&part));
        more = got ? zmq_msg_more(&part) : 0;
        zmq_msg_close(&part);
        if (!got)
            return std::nullopt;
    }
    return whole;
}

libzmq_monitor::libzmq_monitor(libzmq_context& in, libzmq_socket& of)
    : of_(of), events_(in, ZMQ_PAIR)
{
    const std::string name = next_monitor_name();
    zmq_socket_monitor(of.get(), name.c_str(), ZMQ_EVENT_ALL);
    events_.connect(name);
}

libzmq_monitor::~libzmq_monitor()
{
    // libzmq hangs if it reports events after its reader was closed.
    if (of_.get() != nullptr)
        zmq_socket_monitor(of_.get(), nullptr, 0);
}

std::optional<libzmq_monitor::event> libzmq_monitor::next(milliseconds timeout)
{
    const auto event_parts = events_.receive(timeout);
    if (!event_parts || event_parts->empty() || (*event_parts)[0].size() < 6)
        return std::nullopt;
    std::uint16_t type = 0;
    std::int32_t value = 0;
    std::memcpy(&type, (*event_parts)[0].data(), sizeof type);
    std::memcpy(&value, (*event_parts)[0].data() + sizeof type, sizeof value);
    return event{type, value};
}

std::optional<int> libzmq_monitor::wait_for(int type, milliseconds timeout)
{
    const auto end = steady_clock::now() + timeout;
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
        const auto seen = next(std::max(left, milliseconds(0)));
        if (!seen)
            return std::nullopt;
        if (seen->type == type)
            return seen->value;
    }
}

} // namespace slk::testing
