// SPDX-License-Identifier: MPL-2.0
#include "capi_target.hpp"

#include "capi_input.hpp"

#include "capi/errors.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace slk::fuzz {

namespace {

constexpr std::size_t max_calls = 250;
constexpr std::byte untouched{0xc7};
constexpr std::string_view peer_name = "first"; ///< of the socket that is connected at first

/// Of slk_errno().
bool is_documented(int code)
{
    namespace native = capi::native;
    constexpr std::array all{SLK_EINVAL,
                             SLK_EAGAIN,
                             SLK_ENOTSOCK,
                             SLK_EPROTO,
                             SLK_ETERM,
                             SLK_EMTHREAD,
                             SLK_EHOSTUNREACH,
                             native::address_in_use,
                             native::permission_denied,
                             native::address_not_available,
                             native::unknown_transport,
                             native::name_too_long,
                             native::not_supported,
                             native::no_device,
                             native::no_entry,
                             native::too_many_open,
                             native::interrupted};
    return std::ranges::find(all, code) != all.end();
}

/// Of errno, after a call of a poller or of timers.
bool is_documented_errno(int number)
{
    constexpr std::array all{EFAULT, EINVAL, EAGAIN, EBADF, ENOTSOCK};
    return std::ranges::find(all, number) != all.end();
}

/// Bytes that a call may write to, with others behind them that it may not.
class fenced_room {
public:
    explicit fenced_room(std::size_t size) : bytes_(size + 16, untouched), size_(size) {}
    [[nodiscard]] std::byte* data() noexcept { return bytes_.data(); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Whether only the first `written` bytes may have changed.
    [[nodiscard]] bool ends_after(std::size_t written) const
    {
        return std::ranges::all_of(bytes_.begin() + static_cast<std::ptrdiff_t>(written),
                                   bytes_.end(), [](std::byte each) { return each == untouched; });
    }

private:
    std::vector<std::byte> bytes_;
    std::size_t size_;
};

std::vector<std::byte> content_of(slk_msg_t* msg)
{
    const auto* const data = static_cast<const std::byte*>(slk_msg_data(msg));
    return {data, data + slk_msg_size(msg)};
}

class world {
public:
    explicit world(capi_input& input) : in_(input) {}
    world(const world&) = delete;
    world& operator=(const world&) = delete;
    ~world();

    /// Returns the broken promise, or null.
    const char* run();

private:
    struct socket_slot {
        slk_socket_t* handle = nullptr;
        std::string last;
    };

    // A call that fails leaves a reason, and one that does not leaves the old one.

    template <class Call>
    int call(Call made)
    {
        capi::fail_with(0);
        const int outcome = made();
        const int code = slk_errno();
        if (outcome < -1)
            say("a value that is none of the documented ones");
        else if (outcome == -1 ? !is_documented(code) : code != 0)
            say(outcome == -1 ? "a failure without a documented reason"
                              : "a success has changed the reason");
        return outcome;
    }
    /// 0 or -1.
    template <class Call>
    int plain(Call made)
    {
        const int outcome = call(made);
        if (outcome > 0)
            say("a value that is neither 0 nor -1");
        return outcome;
    }
    /// Of a poller or of timers, which leave slk_errno() alone.
    template <class Call>
    long with_errno(Call made)
    {
        capi::fail_with(0);
        errno = 0;
        const long outcome = made();
        if (slk_errno() != 0)
            say("a poller or a timer has changed slk_errno()");
        if (outcome == -1 && !is_documented_errno(errno))
            say("a failure without a documented errno");
        if (outcome < -1)
            say("a value that is none of the documented ones");
        return outcome;
    }
    void say(const char* promise) noexcept
    {
        if (broken_ == nullptr)
            broken_ = promise;
    }
    void require(bool kept, const char* promise) noexcept
    {
        if (!kept)
            say(promise);
    }

    socket_slot& any_slot() { return sockets_[in_.index(sockets_.size())]; }
    /// Mostly one that has a socket.
    socket_slot& a_slot()
    {
        const unsigned drawn = in_.byte();
        socket_slot& slot = sockets_[drawn % sockets_.size()];
        if (slot.handle != nullptr || drawn > 240)
            return slot;
        const auto found = std::ranges::find_if(
            sockets_, [](const socket_slot& each) { return each.handle != nullptr; });
        return found != sockets_.end() ? *found : slot;
    }
    slk_socket_t* a_socket() { return in_.or_null(a_slot().handle); }
    slk_msg_t*& a_message() { return messages_[in_.index(messages_.size())]; }

    void prepare(bool over_tcp);
    void one_call();
    void open();
    bool open(socket_slot& slot, slk_ctx_t* within, int type);
    void close(socket_slot& which);
    void join();
    void keep_last(socket_slot& slot);
    void set_option();
    void get_option();
    void use_context();
    void send();
    void receive();
    void send_message();
    void receive_message();
    void use_message();
    void poll();
    void use_poller();
    void wait_for_poller();
    void use_timers();
    void look_at_peers();
    void monitor();
    void use_utilities();
    /// No call may wait.
    void limit(slk_socket_t* socket);

    static void note(slk_socket_t*, const slk_event_t* event, void* user_data);
    static void fire(int timer, void* user_data);

    capi_input& in_;
    const char* broken_ = nullptr;
    slk_ctx_t* context_ = nullptr;
    std::array<socket_slot, 5> sockets_{};
    std::array<slk_msg_t*, 3> messages_{};
    void* poller_ = nullptr;
    void* timers_ = nullptr;
    int last_timer_ = 0;
    std::atomic<bool> wrong_event_{false};
};

world::~world()
{
    slk_poller_destroy(&poller_);
    slk_timers_destroy(&timers_);
    for (slk_msg_t* const each : messages_)
        slk_msg_destroy(each);
    for (socket_slot& each : sockets_)
        if (in_.index(2) == 0)
            close(each);
    slk_ctx_destroy(context_);
}

void world::note(slk_socket_t*, const slk_event_t* event, void* user_data)
{
    if (event == nullptr || event->event < SLK_EVENT_CONNECTED ||
        event->event > SLK_EVENT_HEARTBEAT_FAIL || event->timestamp == 0 ||
        (event->peer_id == nullptr && event->peer_id_len > 0))
        static_cast<world*>(user_data)->wrong_event_ = true;
}

void world::fire(int timer, void* user_data)
{
    auto& self = *static_cast<world*>(user_data);
    self.require(timer >= 1, "a timer without an id");
    if (self.in_.index(4) == 0)
        slk_timers_cancel(self.timers_, timer);
    else if (self.in_.index(4) == 0)
        slk_timers_add(self.timers_, 100, fire, &self);
}

void world::limit(slk_socket_t* socket)
{
    constexpr int at_once = 0;
    for (const int option : {SLK_LINGER, SLK_RCVTIMEO, SLK_SNDTIMEO})
        require(slk_setsockopt(socket, option, &at_once, sizeof at_once) == 0,
                "a limit that cannot be set");
}

bool world::open(socket_slot& slot, slk_ctx_t* within, int type)
{
    const int outcome = plain([&] {
        slot.handle = slk_socket(within, type);
        return slot.handle != nullptr ? 0 : -1;
    });
    if (outcome == 0)
        limit(slot.handle);
    return outcome == 0;
}

void world::open()
{
    socket_slot& slot = any_slot();
    if (slot.handle != nullptr)
        return;
    constexpr int types = SLK_XSUB + 1;
    const unsigned drawn = in_.byte();
    const int type = drawn < 240 ? static_cast<int>(drawn % types) : in_.number();
    slk_ctx_t* const within = in_.or_null(context_);
    if (open(slot, within, type))
        require(within != nullptr && type >= 0 && type < types, "a socket of no type");
}

/// Two sockets that are connected, and may talk.
void world::prepare(bool over_tcp)
{
    constexpr std::array<std::pair<int, int>, 14> pairs{{
        {SLK_PAIR, SLK_PAIR},
        {SLK_PUB, SLK_SUB},
        {SLK_REP, SLK_REQ},
        {SLK_ROUTER, SLK_DEALER},
        {SLK_PULL, SLK_PUSH},
        {SLK_XPUB, SLK_XSUB},
        {SLK_XPUB, SLK_SUB},
        {SLK_ROUTER, SLK_ROUTER},
        {SLK_DEALER, SLK_DEALER},
        {SLK_ROUTER, SLK_REQ},
        {SLK_REP, SLK_DEALER},
        {SLK_PUSH, SLK_PULL},
        {SLK_SUB, SLK_XPUB},
        {SLK_XSUB, SLK_PUB},
    }};
    const auto [binds, connects] = pairs[in_.index(pairs.size())];
    socket_slot& bound = sockets_[0];
    socket_slot& connected = sockets_[1];
    if (!open(bound, context_, binds) || !open(connected, context_, connects))
        return say("no sockets");
    slk_setsockopt(connected.handle, SLK_ROUTING_ID, peer_name.data(), peer_name.size());
    for (const socket_slot& each : {bound, connected})
        slk_setsockopt(each.handle, SLK_SUBSCRIBE, "", 0);
    bound.last = over_tcp ? "tcp://127.0.0.1:*" : "inproc://first";
    if (plain([&] { return slk_bind(bound.handle, bound.last.c_str()); }) != 0)
        return say("nothing was bound");
    keep_last(bound);
    connected.last = bound.last;
    if (plain([&] { return slk_connect(connected.handle, bound.last.c_str()); }) != 0)
        say("nothing was connected");
}

void world::close(socket_slot& which)
{
    if (which.handle == nullptr)
        return;
    slk_poller_remove(poller_, which.handle);
    require(plain([&] { return slk_close(which.handle); }) == 0, "a socket that is not closed");
    which = {};
}

void world::join()
{
    const std::string endpoint = in_.endpoint(a_slot().last);
    socket_slot& slot = a_slot();
    slk_socket_t* const socket = in_.or_null(slot.handle);
    const char* const text = in_.or_null(endpoint.c_str());
    constexpr std::array doors{slk_bind,    slk_connect, slk_bind,
                               slk_connect, slk_unbind,  slk_disconnect};
    const std::size_t which = in_.index(doors.size());
    const int outcome = plain([&] { return doors[which](socket, text); });
    require(outcome == -1 || (socket != nullptr && text != nullptr), "NULL was taken");
    if (outcome != 0 || which > 3)
        return;
    keep_last(slot);
}

void world::keep_last(socket_slot& slot)
{
    fenced_room room(300);
    std::size_t size = room.size();
    require(plain([&] {
                return slk_getsockopt(slot.handle, SLK_LAST_ENDPOINT, room.data(), &size);
            }) == 0 &&
                size > 0 && size <= room.size() && room.data()[size - 1] == std::byte{0},
            "no last endpoint");
    slot.last = reinterpret_cast<const char*>(room.data());
}

void world::set_option()
{
    slk_socket_t* const socket = a_socket();
    const int option = in_.socket_option();
    const unsigned form = in_.byte();
    const int number = in_.number();
    int outcome = 0;
    if (form < 160) {
        outcome = plain([&] { return slk_setsockopt(socket, option, &number, sizeof number); });
    } else {
        const auto bytes = in_.bytes(in_.size() % 600);
        const void* const value = in_.or_null(bytes.data());
        outcome = plain([&] { return slk_setsockopt(socket, option, value, bytes.size()); });
    }
    require(outcome == -1 || socket != nullptr, "NULL was taken");
    if (outcome == 0)
        limit(socket);
}

void world::get_option()
{
    slk_socket_t* const socket = a_socket();
    const int option = in_.socket_option();
    fenced_room room(in_.seldom() ? in_.size() % 600 : (in_.index(2) == 0 ? 4 : 300));
    std::size_t size = room.size();
    void* const value = in_.or_null(room.data());
    std::size_t* const length = in_.or_null(&size);
    const int outcome = plain([&] { return slk_getsockopt(socket, option, value, length); });
    if (outcome != 0)
        return;
    require(socket != nullptr && value != nullptr && length != nullptr, "NULL was taken");
    require(size <= room.size(), "a value that is larger than its room");
    require(size > room.size() || room.ends_after(size), "a value that exceeds its size");
}

void world::use_context()
{
    slk_ctx_t* const context = in_.or_null(context_);
    const int option = in_.context_option();
    fenced_room room(in_.seldom() ? in_.size() % 40 : sizeof(int));
    std::size_t size = room.size();
    if (in_.index(2) == 0) {
        const int outcome =
            plain([&] { return slk_ctx_get(context, option, room.data(), in_.or_null(&size)); });
        require(outcome == -1 ||
                    (context != nullptr && size <= room.size() && room.ends_after(size)),
                "a value of a context that exceeds its room");
        return;
    }
    // Threads that the system is asked for by the thousand say nothing about the calls.
    const int number = option == SLK_IO_THREADS ? static_cast<int>(in_.index(3)) : in_.number();
    if (size == sizeof number)
        std::memcpy(room.data(), &number, sizeof number);
    else if (option == SLK_IO_THREADS)
        return;
    void* const value = in_.or_null(room.data());
    const int outcome = plain([&] { return slk_ctx_set(context, option, value, size); });
    require(outcome == -1 || (context != nullptr && value != nullptr), "NULL was taken");
}

void world::send()
{
    slk_socket_t* const socket = a_socket();
    const auto bytes = in_.bytes(in_.size());
    const void* const data = in_.or_null(bytes.data());
    const int flags = in_.flags();
    const int size = static_cast<int>(bytes.size());
    if (in_.index(4) == 0) {
        auto name = in_.bytes(in_.index(8));
        if (in_.index(4) != 0) {
            const auto known = std::as_bytes(std::span(peer_name));
            name.assign(known.begin(), known.end());
        }
        const int outcome = call([&] {
            return slk_send_to(socket, in_.or_null(name.data()), name.size(), data, bytes.size(),
                               flags);
        });
        require(outcome == -1 || outcome == size, "a send that returns another size");
        return;
    }
    const int outcome = call([&] { return slk_send(socket, data, bytes.size(), flags); });
    require(outcome == -1 || outcome == size, "a send that returns another size");
    require(outcome == -1 || (socket != nullptr && (data != nullptr || size == 0)),
            "NULL was taken");
}

void world::receive()
{
    slk_socket_t* const socket = a_socket();
    fenced_room room(in_.size());
    void* const into = in_.or_null(room.data());
    const int flags = in_.flags();
    const int outcome = call([&] { return slk_recv(socket, into, room.size(), flags); });
    require(outcome == -1 || (socket != nullptr && (into != nullptr || room.size() == 0)),
            "NULL was taken");
    require(room.ends_after(
                outcome == -1 ? 0 : std::min(room.size(), static_cast<std::size_t>(outcome))),
            "a receive that writes behind the frame");
}

void world::send_message()
{
    slk_msg_t* const msg = a_message();
    slk_socket_t* const socket = a_socket();
    const auto before = content_of(msg);
    const int outcome = plain([&] { return slk_msg_send(msg, socket, in_.flags()); });
    require(outcome == -1 || (msg != nullptr && socket != nullptr), "NULL was taken");
    if (outcome == 0)
        require(slk_msg_size(msg) == 0, "a message that was sent is not empty");
    else
        require(content_of(msg) == before, "a message that was not sent has changed");
}

void world::receive_message()
{
    slk_msg_t* const msg = a_message();
    slk_socket_t* const socket = a_socket();
    const auto before = content_of(msg);
    const int outcome = plain([&] { return slk_msg_recv(msg, socket, in_.flags()); });
    require(outcome == -1 || (msg != nullptr && socket != nullptr), "NULL was taken");
    if (outcome == -1)
        require(content_of(msg) == before, "a message that was not received has changed");
    int more = -1, of_socket = -1;
    std::size_t size = sizeof more;
    if (outcome == 0 && plain([&] { return slk_msg_get(msg, 0, &more, &size); }) == 0) {
        size = sizeof of_socket;
        // Without a name: whether more frames follow.
        constexpr int receive_more = 13;
        require(plain([&] { return slk_getsockopt(socket, receive_more, &of_socket, &size); }) ==
                        0 &&
                    more == of_socket,
                "the message and its socket do not agree about more frames");
    }
}

void world::use_message()
{
    slk_msg_t*& msg = a_message();
    slk_msg_t* const other = a_message();
    switch (in_.index(8)) {
    case 0: {
        slk_msg_destroy(msg);
        msg = in_.seldom() ? nullptr : slk_msg_new();
        require(slk_msg_size(msg) == 0, "a new message is not empty");
        break;
    }
    case 1:
    case 2: {
        const auto bytes = in_.bytes(in_.size());
        const void* const data = in_.or_null(bytes.data());
        slk_msg_destroy(msg);
        const int outcome = plain([&] {
            msg = slk_msg_new_data(data, bytes.size());
            return msg != nullptr ? 0 : -1;
        });
        require(outcome == -1 || content_of(msg) == bytes, "a message with other bytes");
        break;
    }
    case 3: {
        const auto copied = content_of(other);
        if (plain([&] { return slk_msg_copy(msg, other); }) == 0)
            require(content_of(msg) == copied && content_of(other) == copied,
                    "a copy of other bytes");
        break;
    }
    case 4: {
        const auto moved = content_of(other);
        if (plain([&] { return slk_msg_move(msg, other); }) == 0)
            require(content_of(msg) == moved && (msg == other || slk_msg_size(other) == 0),
                    "a message that was moved wrongly");
        break;
    }
    case 5: {
        const int value = in_.number();
        const int property = in_.index(4) == 0 ? in_.number() : 0;
        plain([&] { return slk_msg_set(msg, property, in_.or_null(&value), in_.index(9) % 5); });
        int stored = 0;
        std::size_t size = in_.index(9);
        plain([&] { return slk_msg_get(msg, property, &stored, in_.or_null(&size)); });
        break;
    }
    case 6: {
        const auto id = in_.bytes(in_.seldom() ? in_.index(9) : 4);
        const int outcome =
            plain([&] { return slk_msg_set_routing_id(msg, id.data(), id.size()); });
        std::array<std::byte, 4> stored{};
        std::size_t size = in_.seldom() ? in_.index(9) % 5 : 4;
        if (plain([&] { return slk_msg_get_routing_id(msg, stored.data(), &size); }) == 0 &&
            outcome == 0)
            require(std::ranges::equal(stored, id), "another routing id");
        break;
    }
    default: {
        plain([&] { return slk_msg_close(msg); });
        require(slk_msg_size(msg) == 0, "a closed message is not empty");
        break;
    }
    }
}

void world::poll()
{
    std::array<slk_pollitem_t, 4> items{};
    for (slk_pollitem_t& each : items) {
        each.socket = a_slot().handle;
        each.fd = -1;
        each.events = in_.events();
        each.revents = 0x55;
    }
    const bool whole = in_.byte() < 240;
    const int count = whole ? static_cast<int>(1 + in_.index(items.size()))
                            : std::min(in_.number(), static_cast<int>(items.size()));
    slk_pollitem_t* const all = in_.or_null(items.data());
    const int outcome = call([&] { return slk_poll(all, count, 0); });
    if (outcome == -1)
        return;
    require(all != nullptr && count >= 1, "NULL was taken");
    int ready = 0;
    for (int index = 0; index < count; ++index) {
        const slk_pollitem_t& item = items[static_cast<std::size_t>(index)];
        ready += item.revents != 0 ? 1 : 0;
        require((item.revents & ~(item.events | SLK_POLLERR)) == 0,
                "an event that was not asked for");
    }
    require(ready == outcome, "a poll that returns another number");
    for (int index = 0; index < count; ++index) {
        const slk_pollitem_t& item = items[static_cast<std::size_t>(index)];
        if (item.socket == nullptr || (item.revents & SLK_POLLIN) == 0)
            continue;
        require(call([&] { return slk_recv(item.socket, nullptr, 0, SLK_DONTWAIT); }) >= 0,
                "what is readable cannot be received");
        break; // another item may be the same socket
    }
}

void world::use_poller()
{
    void* const poller = in_.or_null(poller_);
    slk_socket_t* const socket = a_socket();
    const short events = in_.events();
    // An end of a file that no poller has: none of the calls may use it.
    constexpr auto none = static_cast<slk_fd_t>(-1);
    long outcome = -1;
    switch (in_.index(8)) {
    case 0:
    case 1:
        outcome = with_errno([&] { return slk_poller_add(poller, socket, this, events); });
        break;
    case 2: outcome = with_errno([&] { return slk_poller_modify(poller, socket, events); }); break;
    case 3: outcome = with_errno([&] { return slk_poller_remove(poller, socket); }); break;
    case 4:
        outcome = with_errno([&] { return slk_poller_add_fd(poller, none, this, events); });
        require(outcome == -1, "a descriptor that is none was taken");
        break;
    case 5:
        outcome = with_errno([&] { return slk_poller_remove_fd(poller, none); });
        require(outcome == -1, "a descriptor that is none was taken");
        break;
    case 6: {
        slk_fd_t made{};
        outcome = with_errno([&] { return slk_poller_fd(poller, &made); });
        require(outcome == -1, "a poller with a descriptor");
        break;
    }
    default:
        require((with_errno([&] { return slk_poller_size(poller); }) == -1) == (poller == nullptr),
                "the size of no poller");
        return;
    }
    require(outcome == -1 || (outcome == 0 && poller != nullptr && socket != nullptr),
            "NULL was taken");
}

void world::wait_for_poller()
{
    std::array<slk_poller_event_t, 3> events{};
    slk_poller_event_t* const into = in_.or_null(events.data());
    void* const poller = in_.or_null(poller_);
    long outcome = 0;
    long count = 0;
    if (in_.index(2) == 0) {
        outcome = with_errno([&] { return slk_poller_wait(poller, into, 0); });
        count = outcome == 0 ? 1 : 0;
        require(outcome <= 0, "a value that is neither 0 nor -1");
    } else {
        const int room = in_.seldom() ? std::min(in_.number(), static_cast<int>(events.size()))
                                      : static_cast<int>(1 + in_.index(events.size()));
        outcome = with_errno([&] { return slk_poller_wait_all(poller, into, room, 0); });
        count = outcome;
        require(outcome == -1 || (outcome >= 1 && outcome <= room),
                "a number of events that is not possible");
    }
    for (long index = 0; index < count; ++index) {
        const slk_poller_event_t& event = events[static_cast<std::size_t>(index)];
        require(event.socket != nullptr && event.fd == static_cast<slk_fd_t>(-1) &&
                    event.user_data == this && event.events != 0,
                "an event without its parts");
    }
}

void world::use_timers()
{
    void* const timers = in_.or_null(timers_);
    const int id = in_.index(2) == 0 ? last_timer_ : in_.number();
    const std::size_t interval = in_.size();
    switch (in_.index(6)) {
    case 0: {
        const slk_timer_fn handler = in_.seldom() ? nullptr : fire;
        const long made =
            with_errno([&] { return slk_timers_add(timers, interval, handler, this); });
        require(made == -1 || (made > last_timer_ && timers != nullptr && handler != nullptr),
                "an id that is not a new one");
        if (made != -1)
            last_timer_ = static_cast<int>(made);
        break;
    }
    case 1: with_errno([&] { return slk_timers_cancel(timers, id); }); break;
    case 2: with_errno([&] { return slk_timers_set_interval(timers, id, interval); }); break;
    case 3: with_errno([&] { return slk_timers_reset(timers, id); }); break;
    case 4: {
        capi::fail_with(0);
        require(slk_timers_timeout(timers) >= -1, "a time that is not possible");
        break;
    }
    default: {
        // Handlers add timers, whose ids are not known here.
        const long outcome = with_errno([&] { return slk_timers_execute(timers); });
        require(outcome == (timers != nullptr ? 0 : -1), "timers that are not executed");
        const int marker = slk_timers_add(timers_, 100'000, fire, this);
        require(marker > last_timer_, "an id that is not a new one");
        last_timer_ = marker;
        require(with_errno([&] { return slk_timers_cancel(timers_, marker); }) == 0,
                "a timer that cannot be cancelled");
        break;
    }
    }
}

void world::look_at_peers()
{
    slk_socket_t* const socket = a_socket();
    std::array<void*, 3> names{};
    std::array<std::size_t, 3> sizes{};
    const std::size_t room = in_.index(names.size() + 1);
    std::size_t count = room;
    std::size_t* const lengths = in_.or_null(sizes.data());
    if (plain([&] {
            return slk_get_peers(socket, in_.or_null(names.data()), lengths, in_.or_null(&count));
        }) == 0) {
        require(count <= room, "more peers than there is room for");
        for (std::size_t index = 0; index < std::min(count, room); ++index) {
            slk_peer_stats_t stats{};
            if (lengths == nullptr)
                break;
            require(slk_is_connected(socket, names[index], sizes[index]) == 1,
                    "a peer that is not known");
            plain([&] {
                return slk_get_peer_stats(socket, names[index], sizes[index], in_.or_null(&stats));
            });
        }
        slk_free_peers(names.data(), lengths, std::min(count, room));
    }
    const auto name = in_.bytes(in_.index(8));
    const int known =
        call([&] { return slk_is_connected(socket, in_.or_null(name.data()), name.size()); });
    require(known <= 1, "neither known nor unknown");
    slk_peer_stats_t stats{};
    plain([&] { return slk_get_peer_stats(socket, name.data(), name.size(), &stats); });
}

void world::monitor()
{
    slk_socket_t* const socket = a_socket();
    const slk_monitor_fn callback = in_.index(4) == 0 ? nullptr : note;
    const int events = in_.index(2) == 0 ? SLK_EVENT_ALL : in_.number();
    plain([&] { return slk_socket_monitor(socket, callback, this, events); });
}

void world::use_utilities()
{
    switch (in_.index(6)) {
    case 0: require(slk_strerror(in_.number()) != nullptr, "an error without a text"); break;
    case 1: {
        const std::string name = in_.endpoint("ipc");
        const int has = slk_has(in_.or_null(name.c_str()));
        require(has == 0 || has == 1, "a capability that is neither there nor not");
        break;
    }
    case 2: {
        void* counter = in_.seldom() ? nullptr : slk_atomic_counter_new();
        slk_atomic_counter_set(counter, 3);
        require(slk_atomic_counter_inc(counter) == (counter != nullptr ? 3 : 0) &&
                    slk_atomic_counter_dec(counter) == (counter != nullptr ? 3 : 0) &&
                    slk_atomic_counter_value(counter) == (counter != nullptr ? 3 : 0),
                "a counter that counts otherwise");
        slk_atomic_counter_destroy(&counter);
        slk_atomic_counter_destroy(nullptr);
        break;
    }
    case 3: {
        void* const watch = slk_stopwatch_start();
        require(slk_stopwatch_intermediate(watch) <= slk_stopwatch_stop(watch),
                "a stopwatch that goes back");
        require(slk_stopwatch_stop(nullptr) == 0, "the time of no stopwatch");
        break;
    }
    case 4: {
        slk_version(nullptr, nullptr, nullptr);
        const std::uint64_t before = slk_clock();
        slk_sleep(in_.index(2) == 0 ? 0 : -1);
        require(slk_clock() >= before, "a clock that goes back");
        break;
    }
    default:
        require(plain([&] { return slk_proxy(nullptr, a_slot().handle, nullptr); }) == -1,
                "a proxy of one socket");
        break;
    }
}

void world::one_call()
{
    switch (in_.index(24)) {
    case 0:
    case 1: open(); break;
    case 2:
    case 3:
    case 4:
    case 5: join(); break;
    case 6:
    case 7: set_option(); break;
    case 8: get_option(); break;
    case 9:
    case 10:
    case 11: send(); break;
    case 12:
    case 13:
    case 14: receive(); break;
    case 15: send_message(); break;
    case 16: receive_message(); break;
    case 17: use_message(); break;
    case 18: poll(); break;
    case 19: use_poller(); break;
    case 20: in_.index(2) == 0 ? wait_for_poller() : use_timers(); break;
    case 21: look_at_peers(); break;
    case 22: in_.index(2) == 0 ? monitor() : use_utilities(); break;
    default: in_.index(2) == 0 ? close(a_slot()) : use_context(); break;
    }
}

const char* world::run()
{
    context_ = slk_ctx_new();
    poller_ = slk_poller_new();
    timers_ = slk_timers_new();
    if (context_ == nullptr || poller_ == nullptr || timers_ == nullptr)
        return "there is no memory";
    for (slk_msg_t*& each : messages_)
        each = slk_msg_new_data("content", in_.index(8));
    // Mostly inproc alone, where the order of the calls decides everything.
    const int threads = in_.index(4) == 0 ? 1 : 0;
    plain([&] { return slk_ctx_set(context_, SLK_IO_THREADS, &threads, sizeof threads); });
    if (in_.index(8) != 0)
        prepare(threads > 0 && in_.index(2) == 0);
    for (std::size_t calls = 0; calls < max_calls && !in_.is_empty() && broken_ == nullptr; ++calls)
        one_call();
    if (wrong_event_)
        say("an event that is none");
    return broken_;
}

} // namespace

const char* run_capi(zmtp::byte_view data)
{
    capi_input input(data);
    return world(input).run();
}

} // namespace slk::fuzz
