// SPDX-License-Identifier: MPL-2.0

// Direct I/O: what a caller's thread sends and receives by itself, and when the loop goes on. The
// system is a script.

#include "lane/allocations.hpp"
#include "messaging/connection/direct_io.hpp"
#include "messaging/connection/lane_wire_in.hpp"
#include "messaging/connection/lane_wire_out.hpp"
#include "messaging/lane_messages.hpp"

#include <algorithm>
#include <functional>

using namespace slk;
using namespace slk::testing;
using messaging::direct_io;
using attempt = direct_io::attempt;

namespace {

/// What the system does with direct transfers.
struct scripted_system {
    std::size_t send_room = SIZE_MAX; ///< bytes that a send takes
    std::size_t max_offer = SIZE_MAX; ///< bytes that are given to the system at a time
    error send_failure{};
    std::string sent;
    int sends = 0;
    std::string arrived; ///< bytes that a receive brings
    error receive_failure{errc::would_block}; ///< if nothing has arrived
    int receives = 0;
    bool peer_has_finished = false;
    std::function<void()> inside; ///< is called in the middle of a transfer
};

scripted_system* present = nullptr;

error send_scripted(io::native_handle, std::span<const std::span<const std::byte>> buffers,
                    std::size_t& sent, bool& all) noexcept
{
    ++present->sends;
    if (present->inside)
        present->inside();
    if (present->send_failure)
        return present->send_failure;
    std::string bytes;
    for (const auto& each : buffers)
        bytes += text_of(each);
    const std::size_t offered = std::min(bytes.size(), present->max_offer);
    sent = std::min(offered, present->send_room);
    present->send_room -= sent;
    all = sent == offered;
    present->sent += bytes.substr(0, sent);
    return {};
}

error receive_scripted(io::native_handle, std::span<std::byte> buffer,
                       std::size_t& received) noexcept
{
    ++present->receives;
    if (present->inside)
        present->inside();
    if (present->arrived.empty())
        return present->receive_failure;
    received = std::min(buffer.size(), present->arrived.size());
    std::memcpy(buffer.data(), present->arrived.data(), received);
    present->arrived.erase(0, received);
    return {};
}

bool has_finished_scripted(io::native_handle) noexcept
{
    return present->peer_has_finished;
}

/// A poller that has direct transfers and nothing else.
class scripted_poller final : public io::poller {
public:
    scripted_poller() noexcept : poller(system_clock_source()) {}
    ~scripted_poller() override { shutdown(); }

    [[nodiscard]] std::string_view name() const noexcept override { return "scripted"; }
    [[nodiscard]] result<void> check_local_name(std::string_view) const override { return none(); }
    [[nodiscard]] result<std::vector<address>> interface_addresses(const std::string&) override
    {
        return none();
    }
    [[nodiscard]] const direct_transfers* direct() const noexcept override
    {
        static constexpr direct_transfers scripted{send_scripted, receive_scripted,
                                                   has_finished_scripted};
        return &scripted;
    }
    void wake() noexcept override {}

protected:
    result<io::native_handle> open_handle(address_family) override { return none(); }
    result<io::native_handle> open_listening_handle(const address&,
                                                    const io::listen_settings&) override
    {
        return none();
    }
    result<void> bind_handle(io::socket_entry&, const std::optional<address>&) override
    {
        return none();
    }
    result<address> local_address_of(const io::socket_entry&) override { return none(); }
    result<address> peer_address_of(const io::socket_entry&) override { return none(); }
    result<void> set_option_of(const io::socket_entry&, io::socket_option, int) override
    {
        return none();
    }
    result<void> bind_handle_to_device(const io::socket_entry&, std::string_view) override
    {
        return none();
    }
    result<void> shutdown_send_of(const io::socket_entry&) override { return none(); }
    bool peer_has_finished_of(const io::socket_entry&) noexcept override { return false; }
    bool peer_may_have_finished_of(const io::socket_entry&) noexcept override { return false; }
    bool peer_acknowledges_of(const io::socket_entry&, duration) noexcept override { return true; }
    std::size_t shed_from(const io::socket_entry&, std::size_t) override { return 0; }
    void close_handle(io::native_handle, io::close_mode) noexcept override {}
    void start_connect(io::connect_operation& op, io::socket_entry&) override { refuse(op); }
    void start_accept(io::accept_operation& op, io::socket_entry&) override { refuse(op); }
    void start_receive(io::receive_operation& op, io::socket_entry&) override { refuse(op); }
    void start_send(io::send_operation& op, io::socket_entry&) override { refuse(op); }
    void start_cancel(io::operation&, io::socket_entry&) override {}
    result<void> attach(io::socket_id, io::socket_entry&) override { return none(); }
    void release(io::socket_entry&, io::close_mode) override {}
    result<void> wait(time_point) override { return {}; }

private:
    [[nodiscard]] static unexpected none() { return fail(errc::not_supported, phase::none); }
    void refuse(io::operation& op) { complete(op, {errc::not_supported, phase::none}); }
};

/// A connection's wires and its direct I/O, and the socket's side of the lanes.
class fixture {
public:
    explicit fixture(bool run_by_caller = false, std::uint32_t receive_mark = 0)
        : lanes(messaging::pipe_lanes::create(pools, false)), out(lanes->toward[0]),
          in(lanes->toward[1], *lanes),
          direct(out, in, settings, *loop, run_by_caller, lanes->bytes)
    {
        lanes->receive_mark = receive_mark;
        present = &system;
        direct.begin(io::invalid_handle);
    }
    fixture(const fixture&) = delete;
    fixture& operator=(const fixture&) = delete;
    ~fixture() { present = nullptr; }

    void write(const parts& whole) { testing::send(lanes->toward[0], whole); }
    [[nodiscard]] parts read()
    {
        auto found = testing::receive(lanes->toward[1]);
        if (!found)
            return {};
        (void)lanes->toward[1].consume(1, true);
        return std::move(*found);
    }
    /// The lane needs a new chunk for the next frame.
    void fill_chunk()
    {
        lane::lane& to = lanes->toward[0];
        for (std::size_t room = to.rest().size(); room >= zmtp::long_header;
             room = to.rest().size())
            write({text_of_size(std::min<std::size_t>(room - zmtp::short_header, 200))});
    }
    [[nodiscard]] attempt send_body(const std::string& body)
    {
        return direct.send_body(lanes->toward[0], std::as_bytes(std::span(body)), nullptr);
    }
    /// What is left for the loop to send.
    [[nodiscard]] std::string left()
    {
        std::vector<messaging::wire_out::piece> pieces;
        (void)out.gather(pieces);
        std::string all;
        for (const auto& each : pieces)
            all += text_of(each);
        return all;
    }

    scripted_system system;
    lane::chunk_pools pools;
    lane::chunk_pools loop_pools;
    std::shared_ptr<io::loop_core> loop = std::make_shared<io::loop_core>(
        std::make_unique<scripted_poller>(), std::vector<refused_backend>{}, loop_options{});
    messaging::connection_settings settings{zmtp::socket_type::pair, {}, {}, {}, {}, {}, {}};
    reference<messaging::pipe_lanes> lanes;
    messaging::lane_wire_out out;
    messaging::lane_wire_in in;
    direct_io direct;
    zmtp::message_progress begun;
    time_point now{std::chrono::hours(1)};
};

std::string stream_of(std::initializer_list<parts> messages)
{
    return wire_of(std::vector<parts>(messages));
}

const std::string ping_command = std::string("\x04\x07\x04PING\0\0", 9);

} // namespace

TEST_CASE("a caller sends nothing while the loop owns sending")
{
    fixture at;
    at.write({"a"});
    CHECK(at.direct.send() == attempt::none);
    // The loop cannot offer it either before it has sent what is there.
    CHECK_FALSE(at.direct.offer_sending(at.now));
    CHECK(at.direct.send() == attempt::none);
    CHECK(at.system.sends == 0);
}

TEST_CASE("a caller sends what the lane holds, and may go on until the loop takes sending back")
{
    fixture at;
    REQUIRE(at.direct.offer_sending(at.now));
    CHECK(at.direct.next_look() == never);
    at.write({"a", "b"});
    CHECK(at.direct.send() == attempt::done);
    at.write({"c"});
    CHECK(at.direct.send() == attempt::done);
    CHECK(at.system.sent == stream_of({{"a", "b"}, {"c"}}));
    CHECK(at.direct.take_sending());
    CHECK(at.direct.send() == attempt::none);
}

TEST_CASE("what the system does not take of a caller's send is left to the loop")
{
    fixture at;
    REQUIRE(at.direct.offer_sending(at.now));
    at.write({"first"});
    at.write({"second"});
    const std::string wire = stream_of({{"first"}, {"second"}});
    SUBCASE("a part of it")
    {
        at.system.send_room = 10;
        CHECK(at.direct.send() == attempt::notify);
        CHECK(at.left() == wire.substr(10));
        CHECK(at.out.inside_frame());
    }
    SUBCASE("nothing")
    {
        at.system.send_room = 0;
        CHECK(at.direct.send() == attempt::notify);
        CHECK(at.left() == wire);
    }
    SUBCASE("because it fails: the loop finds the failure out")
    {
        at.system.send_failure = {errc::connection_reset, phase::transfer};
        CHECK(at.direct.send() == attempt::notify);
        CHECK(at.left() == wire);
    }
    CHECK(at.direct.send() == attempt::none);
    CHECK(at.direct.take_sending());
}

TEST_CASE("the loop is told of a caller's next send, once")
{
    fixture at;
    REQUIRE(at.direct.offer_sending(at.now));
    at.write({"a"});
    CHECK(at.direct.send() == attempt::done);
    at.direct.tell_of_next_send();
    SUBCASE("a message")
    {
        at.write({"b"});
        CHECK(at.direct.send() == attempt::notify);
    }
    SUBCASE("a large body")
    {
        CHECK(at.send_body(text_of_size(100'000)) == attempt::notify);
    }
    // The direction is still the caller's.
    at.write({"c"});
    CHECK(at.direct.send() == attempt::done);
}

TEST_CASE("while the loop does not receive, a caller sends nothing to a peer that has finished")
{
    fixture at;
    REQUIRE(at.direct.offer_sending(at.now));
    at.write({"a"});
    at.system.peer_has_finished = true;
    CHECK(at.direct.send() == attempt::done); // the loop receives, and sees the end
    CHECK(at.direct.take_sending());
    REQUIRE(at.direct.offer_sending(at.now));
    at.direct.set_paused(true);
    at.write({"b"});
    SUBCASE("a message")
    {
        CHECK(at.direct.send() == attempt::notify);
    }
    SUBCASE("a large body")
    {
        CHECK(at.send_body(text_of_size(100'000)) == attempt::notify);
    }
    CHECK(at.system.sent == stream_of({{"a"}}));
    CHECK(at.left().starts_with(stream_of({{"b"}})));
}

TEST_CASE("a large body is sent from the caller's memory, behind what the lane holds")
{
    fixture at;
    REQUIRE(at.direct.offer_sending(at.now));
    at.write({"first"});
    const std::string body = text_of_size(40'000);
    CHECK(at.send_body(body) == attempt::done);
    CHECK(at.system.sent == stream_of({{"first"}, {body}}));
    CHECK(at.lanes->toward[0].produced() == 2);
    CHECK(at.lanes->toward[0].consumed_by_now() == 2);
    at.write({"last"});
    CHECK(at.direct.send() == attempt::done);
    CHECK(at.system.sent == stream_of({{"first"}, {body}, {"last"}}));
}

TEST_CASE("what the system does not take of a large body is in the lane, for the loop")
{
    fixture at;
    REQUIRE(at.direct.offer_sending(at.now));
    const std::string body = text_of_size(40'000);
    const std::string wire = stream_of({{body}});
    std::size_t taken = 0;
    SUBCASE("because it takes a part")
    {
        taken = 10'000;
    }
    SUBCASE("because it takes a part of the header")
    {
        taken = 3;
    }
    SUBCASE("because it takes nothing") {}
    SUBCASE("because it is offered no more at a time")
    {
        taken = 10'000;
        at.system.max_offer = taken;
    }
    SUBCASE("because it fails")
    {
        at.system.send_failure = {errc::connection_reset, phase::transfer};
    }
    at.system.send_room = taken;
    CHECK(at.send_body(body) == attempt::notify);
    CHECK(at.system.sent == wire.substr(0, taken));
    CHECK(at.left() == wire.substr(taken));
    CHECK(at.out.inside_frame() == (taken > 0));
    CHECK(at.direct.take_sending());
    CHECK_FALSE(at.direct.is_torn());
}

TEST_CASE("a large body is not sent by a caller that does not own sending")
{
    fixture at, run_by_caller(true);
    const std::string body = text_of_size(40'000);
    CHECK(at.send_body(body) == attempt::none);
    REQUIRE(run_by_caller.direct.offer_sending(at.now));
    CHECK(run_by_caller.send_body(body) == attempt::none);
    CHECK(at.system.sends == 0);
    CHECK(run_by_caller.system.sends == 0);
    CHECK(at.lanes->toward[0].produced() == 0);
}

TEST_CASE("a large body that finds no memory is an error; a torn message ends the connection")
{
    fixture at;
    REQUIRE(at.direct.offer_sending(at.now));
    const std::string body = text_of_size(40'000);
    at.fill_chunk();
    const std::uint64_t before = at.lanes->toward[0].produced();
    REQUIRE(at.direct.send() == attempt::done);
    std::size_t taken = 0;
    SUBCASE("before a part of it was sent") {}
    SUBCASE("after a part of it was sent")
    {
        taken = 10'000;
    }
    at.system.send_room = taken;
    {
        const scarce_memory none(0);
        CHECK(at.send_body(body) == attempt::no_memory);
    }
    CHECK(at.direct.take_sending());
    CHECK(at.direct.is_torn() == (taken > 0));
    CHECK(at.lanes->toward[0].produced() == before);
    at.direct.begin(io::invalid_handle);
    CHECK_FALSE(at.direct.is_torn());
}

TEST_CASE("a caller does not send behind a torn message")
{
    fixture at;
    REQUIRE(at.direct.offer_sending(at.now));
    at.write({text_of_size(40'000)});
    REQUIRE(at.direct.send() == attempt::done);
    REQUIRE(at.direct.take_sending());
    REQUIRE(at.direct.offer_sending(at.now)); // the loop looks by itself now
    REQUIRE(at.direct.next_look() != never);
    at.fill_chunk();
    REQUIRE(at.direct.send() == attempt::done);
    at.system.send_room = 10'000;
    const std::string body = text_of_size(40'000);
    {
        const scarce_memory none(0);
        REQUIRE(at.send_body(body) == attempt::no_memory);
    }
    CHECK_FALSE(at.direct.keep_watching(at.direct.next_look()));
    CHECK(at.direct.send() == attempt::none);
    CHECK(at.direct.take_sending());
    CHECK(at.direct.is_torn());
}

TEST_CASE("the loop does not wait for a caller that is inside a send")
{
    fixture at;
    REQUIRE(at.direct.offer_sending(at.now));
    at.write({"a"});
    at.system.inside = [&] {
        CHECK_FALSE(at.direct.take_sending());
        CHECK_FALSE(at.direct.release_descriptor());
        CHECK(at.direct.is_busy());
        CHECK(at.direct.send() == attempt::none);
    };
    CHECK(at.direct.send() == attempt::notify);
    CHECK_FALSE(at.direct.is_busy());
    CHECK(at.direct.release_descriptor());
    CHECK(at.direct.take_sending());
    CHECK(at.system.sent == stream_of({{"a"}}));
}

TEST_CASE("a caller that sends much at a time is not watched for ever")
{
    fixture at;
    REQUIRE(at.direct.offer_sending(at.now));
    at.write({text_of_size(20'000)});
    CHECK(at.direct.send() == attempt::done);
    CHECK(at.direct.take_sending());

    // The loop looks by itself, and at growing intervals while the caller goes on.
    REQUIRE(at.direct.offer_sending(at.now));
    duration interval = at.direct.next_look() - at.now;
    CHECK(interval > duration::zero());
    at.now = at.direct.next_look();
    at.write({text_of_size(20'000)});
    CHECK(at.direct.send() == attempt::done);
    CHECK(at.direct.keep_watching(at.now));
    CHECK(at.direct.next_look() - at.now == 2 * interval);

    // A caller inside is looked for again later.
    at.now = at.direct.next_look();
    at.write({"small"});
    at.system.inside = [&] { CHECK(at.direct.keep_watching(at.now)); };
    CHECK(at.direct.send() == attempt::done);
    at.system.inside = nullptr;
    CHECK(at.direct.next_look() == at.now + 2 * interval);

    // A caller that sends little is not: sending is the loop's.
    CHECK_FALSE(at.direct.keep_watching(at.now));
    at.write({"left"});
    CHECK(at.direct.send() == attempt::none);
    CHECK(at.left() == stream_of({{"left"}}));
}

TEST_CASE("a caller makes a few system calls at a time, unless it runs the loop itself")
{
    for (const bool run_by_caller : {false, true}) {
        fixture at(run_by_caller);
        REQUIRE(at.direct.offer_sending(at.now));
        std::vector<parts> messages;
        for (unsigned index = 0; index < 300; ++index) {
            messages.push_back({text_of_size(30'000, index)});
            at.write(messages.back());
        }
        CHECK((at.direct.send() == attempt::done) == run_by_caller);
        CHECK((at.system.sends > 10) == run_by_caller);
        CHECK(at.left().empty() == run_by_caller);
        const std::string wire = wire_of(messages);
        CHECK((at.system.sent == wire.substr(0, at.system.sent.size())));
        if (!run_by_caller)
            continue;
        // No other thread would look.
        CHECK(at.direct.take_sending());
        REQUIRE(at.direct.offer_sending(at.now));
        CHECK(at.direct.next_look() == never);
    }
}

TEST_CASE("a caller receives small messages after the loop has offered it, once for each call")
{
    fixture at;
    at.system.arrived = stream_of({{"a"}, {"b", "c"}, {text_of_size(1000)}});
    CHECK(at.direct.receive(at.pools, at.loop_pools) == attempt::none);
    CHECK(at.read().empty());
    at.direct.offer_receiving(at.begun);
    CHECK(at.direct.receive(at.pools, at.loop_pools) == attempt::done);
    CHECK(at.read() == parts{"a"});
    CHECK(at.read() == parts{"b", "c"});
    at.system.arrived += stream_of({{"d"}});
    while (!at.system.arrived.empty())
        REQUIRE(at.direct.receive(at.pools, at.loop_pools) == attempt::done);
    CHECK((at.read() == parts{text_of_size(1000)}));
    CHECK(at.read() == parts{"d"});
    error failure;
    CHECK(at.direct.take_receiving(failure));
    CHECK_FALSE(failure);
    CHECK(at.direct.receive(at.pools, at.loop_pools) == attempt::none);
}

TEST_CASE("a caller receives no more messages than there is room for")
{
    fixture at(false, 2);
    at.direct.offer_receiving(at.begun);
    at.system.arrived = stream_of({{"a"}, {"b"}, {"c"}});
    CHECK(at.direct.receive(at.pools, at.loop_pools) == attempt::done);
    CHECK(at.direct.receive(at.pools, at.loop_pools) == attempt::done);
    CHECK(at.system.receives == 1);
    CHECK(at.read() == parts{"a"});
    CHECK(at.direct.receive(at.pools, at.loop_pools) == attempt::done);
    CHECK(at.read() == parts{"b"});
    CHECK(at.read() == parts{"c"});
    CHECK(at.read().empty());
}

TEST_CASE("a caller leaves to the loop whatever is not a small message")
{
    fixture at;
    at.direct.offer_receiving(at.begun);
    error failure;
    SUBCASE("nothing has arrived")
    {
        CHECK(at.direct.receive(at.pools, at.loop_pools) == attempt::notify);
        CHECK(at.direct.take_receiving(failure));
        CHECK_FALSE(failure);
    }
    SUBCASE("the connection failed")
    {
        at.system.receive_failure = {errc::connection_reset, phase::transfer};
        CHECK(at.direct.receive(at.pools, at.loop_pools) == attempt::notify);
        CHECK(at.direct.take_receiving(failure));
        CHECK(failure.code == errc::connection_reset);
    }
    SUBCASE("a command")
    {
        at.system.arrived = stream_of({{"a"}}) + ping_command;
        CHECK(at.direct.receive(at.pools, at.loop_pools) == attempt::done);
        CHECK(at.direct.receive(at.pools, at.loop_pools) == attempt::notify);
        CHECK(text_of(at.in.window()) == ping_command);
        CHECK(at.read() == parts{"a"});
    }
    SUBCASE("a large body")
    {
        const std::string large = stream_of({{text_of_size(messaging::large_body)}});
        at.system.arrived = large;
        CHECK(at.direct.receive(at.pools, at.loop_pools) == attempt::notify);
        CHECK((text_of(at.in.window()) == large.substr(0, at.in.window().size())));
        CHECK(at.system.receives == 1);
    }
    CHECK(at.direct.receive(at.pools, at.loop_pools) == attempt::none);
}

TEST_CASE("the loop does not wait for a caller that is inside a receive")
{
    fixture at;
    at.direct.offer_receiving(at.begun);
    at.system.arrived = stream_of({{"a"}});
    error failure;
    at.system.inside = [&] {
        CHECK_FALSE(at.direct.take_receiving(failure));
        CHECK_FALSE(at.direct.release_descriptor());
    };
    CHECK(at.direct.receive(at.pools, at.loop_pools) == attempt::notify);
    CHECK(at.direct.take_receiving(failure));
    CHECK(at.read() == parts{"a"});
}
