// SPDX-License-Identifier: MPL-2.0

// How the sockets of a world write letters and read them, and what is wrong with a letter.

#include "swarm/messages/world.hpp"

#include <algorithm>
#include <array>

namespace slk::swarm::messages {

using namespace std::chrono_literals;

// --- writing ---

/// Somebody that it knows, or has known; or nobody.
peer_id world::choose_route(member& which)
{
    if (which.open->as_router() == nullptr)
        return {};
    std::vector<peer_id> known;
    for (const peer_status& each : which.open->base().peers())
        if (each.generation != 0)
            known.push_back({each.routing_id, dice_.chance(50) ? each.generation : 0});
    if (known.empty() || dice_.chance(5))
        return {"nobody", 0};
    return known[dice_.index(known.size())];
}

/// The call may end so.
bool world::may_fail(const member& which, const error& why, const timeout& limit,
                     std::uint64_t waits_failed) const
{
    if (why == errc::would_block)
        return limit.max_wait == no_wait;
    if (why == errc::timed_out && limit.max_wait > no_wait)
        return true;
    if (why == errc::no_route)
        return which.type == kind::router && which.options.mandatory;
    return network_->injected(fault::wait_error) > waits_failed;
}

void world::queued(member& which)
{
    books_[which.writer].arrived.push_back(false);
    network_->note(which.writer);
}

/// False: it could not be queued.
bool world::write(member& which, const timeout& limit)
{
    const letter_name name{which.writer, books_[which.writer].sent()};
    multipart letter = write_letter(name);
    const std::uint64_t waits_failed = network_->injected(fault::wait_error);
    const bool alone = which.type != kind::router && letter.size() == 1 && dice_.chance(50);
    const peer_id to = choose_route(which);
    const auto answer = alone ? which.open->send(std::move(letter[0]), limit)
                              : which.open->send(to, std::move(letter), limit);
    if (answer && *answer == send_outcome::queued) {
        queued(which);
        return true;
    }
    if (answer ? which.type != kind::router || which.options.mandatory
               : !may_fail(which, answer.error(), limit, waits_failed))
        broken("send() failed without a reason: " +
               (answer ? std::string(name_of(*answer)) : to_string(answer.error())));
    return false;
}

/// As many of the next letters as have one part.
void world::write_batch(member& which, std::size_t most)
{
    std::vector<message> letters;
    letter_name name{which.writer, books_[which.writer].sent()};
    for (; letters.size() < most && parts_of_letter(name) == 1; ++name.number)
        letters.push_back(std::move(write_letter(name)[0]));
    if (letters.empty() || which.type == kind::router)
        return (void)write(which, no_wait);
    const std::uint64_t waits_failed = network_->injected(fault::wait_error);
    const auto answer = which.open->send_batch(letters, no_wait);
    if (!answer && !may_fail(which, answer.error(), no_wait, waits_failed))
        broken("send_batch() failed without a reason: " + to_string(answer.error()));
    for (std::size_t count = answer.value_or(0); count > 0; --count)
        queued(which);
}

// --- reading ---

std::size_t world::read(member& which, std::size_t most, const timeout& limit)
{
    while (!which.partial.empty()) {
        const std::size_t before = which.partial.size();
        read_batch(which);
        if (which.partial.size() == before)
            return 0;
    }
    for (std::size_t count = 0; count < most; ++count) {
        peer_id from;
        multipart letter;
        const std::uint64_t waits_failed = network_->injected(fault::wait_error);
        const auto what = which.open->receive(from, letter, limit);
        if (!what) {
            if (!may_fail(which, what.error(), limit, waits_failed))
                broken("receive() failed without a reason: " + to_string(what.error()));
            return count;
        }
        switch (*what) {
        case router_event::message: take(which, std::move(letter), from); break;
        case router_event::connected:
        case router_event::disconnected: {
            ++which.notices;
            const bool wanted = *what == router_event::connected ? which.options.notify_connect
                                                                 : which.options.notify_disconnect;
            if (!wanted || letter.size() != 1 || !letter[0].empty())
                broken("a notice came that nobody has asked for, or with something in it");
        }
        }
    }
    return most;
}

void world::read_batch(member& which)
{
    if (which.type == kind::router)
        return (void)read(which, 5);
    std::array<message, 5> parts;
    const std::uint64_t waits_failed = network_->injected(fault::wait_error);
    const auto count =
        which.open->receive_batch(std::span(parts).first(dice_.number(1, parts.size())), no_wait);
    if (!count) {
        if (!may_fail(which, count.error(), no_wait, waits_failed))
            broken("receive_batch() failed without a reason: " + to_string(count.error()));
        return;
    }
    for (std::size_t index = 0; index < *count; ++index) {
        const bool more = parts[index].more();
        which.partial.add(std::move(parts[index]));
        if (!more)
            take(which, std::exchange(which.partial, {}), {});
    }
}

void world::take(member& which, multipart&& letter, const peer_id& from)
{
    ++which.received;
    if (groups_[which.of].probes && letter.size() == 1 && letter[0].empty())
        return;
    const auto name = name_of_letter(letter);
    if (!name || name->writer >= books_.size())
        return broken("a message is none that was ever written");
    book& written = books_[name->writer];
    if (written.of != which.of)
        return broken("a message went astray");
    if (name->number >= written.sent())
        return broken("a message has come that was not sent, or not yet");
    if (!is_letter(letter, *name))
        return broken("a message is not as it was sent");
    if (written.arrived[name->number])
        return broken("a message has come twice: " + std::to_string(name->number) + " of " +
                      std::to_string(name->writer));
    written.arrived[name->number] = true;
    result_.bytes += bytes_of_letter(*name);
    network_->note(std::uint64_t{name->writer} << 32 | name->number);
    check_order(which, *name, from);
}

/// What has come by one connection is in order. What has come by two of them, one of which has
/// ended, may be read in turns.
void world::check_order(member& which, letter_name name, const peer_id& from)
{
    std::vector<std::uint32_t>& last = which.last[{name.writer, from.generation}];
    std::uint32_t* behind = nullptr;
    for (std::uint32_t& each : last)
        if (each < name.number && (behind == nullptr || *behind < each))
            behind = &each;
    if (behind != nullptr) {
        *behind = name.number;
        return;
    }
    last.push_back(name.number);
    std::uint64_t allowed = 0;
    const std::size_t by = books_[name.writer].by;
    for (const tie& each : ties_)
        if ((&members_[each.from] == &which && each.to == by) ||
            (each.from == by && &members_[each.to] == &which))
            allowed += connections_of(each);
    if (which.type == kind::router)
        allowed = 1;
    if (last.size() > allowed)
        broken("messages of one peer have changed their order");
}

} // namespace slk::swarm::messages
