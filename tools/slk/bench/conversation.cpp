// SPDX-License-Identifier: MPL-2.0
#include "bench/conversation.hpp"

#include <sstream>
#include <utility>

namespace slk::tool::bench {

namespace {

using namespace std::chrono_literals;

/// The first part of each command. Another protocol gets another number.
constexpr std::string_view mark = "slk bench 1";

constexpr std::string_view done_word = "done";

[[nodiscard]] std::string_view word_of(work_kind kind) noexcept
{
    return kind == work_kind::stream ? "stream" : "round-trip";
}

[[nodiscard]] unexpected unknown_protocol()
{
    return fail(errc::protocol_error, phase::transfer,
                "the other side is no slk bench, or one of another version");
}

} // namespace

std::string hello_of(const side_facts& side)
{
    return std::string(hello_word) + " " + side.version + " " + side.backend + " " +
           std::to_string(side.threads);
}

std::optional<side_facts> read_hello(const std::string& words)
{
    std::istringstream from(words);
    std::string word;
    side_facts read;
    if (from >> word >> read.version >> read.backend >> read.threads && word == hello_word)
        return read;
    return std::nullopt;
}

std::string request_of(const work& asked)
{
    return std::string(word_of(asked.kind)) + " " + std::to_string(asked.size) + " " +
           std::to_string(asked.batch) + " " + std::to_string(asked.warm_up.count());
}

std::optional<work> read_request(const std::string& words)
{
    std::istringstream from(words);
    std::string word;
    work read;
    duration::rep nanoseconds = 0;
    if (!(from >> word >> read.size >> read.batch >> nanoseconds) || !is_sensible(read))
        return std::nullopt;
    read.warm_up = duration(nanoseconds);
    for (const work_kind kind : {work_kind::stream, work_kind::round_trip}) {
        read.kind = kind;
        if (word == word_of(kind))
            return read;
    }
    return std::nullopt;
}

std::string done_of(std::optional<double> nanoseconds)
{
    return std::string(done_word) + " " + (nanoseconds ? std::to_string(*nanoseconds) : "-");
}

bool read_done(const std::string& words, std::optional<double>& nanoseconds)
{
    std::istringstream from(words);
    std::string word;
    if (!(from >> word) || word != done_word)
        return false;
    double number = 0;
    if (from >> number)
        nanoseconds = number;
    return true;
}

conversation::conversation(slk::pair&& over, duration max_silence) noexcept
    : socket_(std::move(over)), max_silence_(max_silence)
{
}

result<conversation> conversation::create(context& in, duration max_silence)
{
    pair_options options;
    // Commands are queued only for a peer that is connected.
    options.immediate = true;
    SLK_TRY(auto made, slk::pair::create(in, options));
    return conversation(std::move(made), max_silence);
}

error conversation::why_no_peer()
{
    for (const endpoint_status& each : socket_.endpoints())
        return each.last_handshake_failure ? each.last_handshake_failure : each.link.last_error;
    return {};
}

error conversation::check_peer(duration silent)
{
    if (begun_) {
        // A peer that has reconnected does not know the earlier commands.
        const auto peers = socket_.peers();
        if (peers.size() != 1 || !peers.front().ready || peers.front().connections > 1)
            return {errc::connection_reset, phase::transfer, 0, "the other side has disconnected"};
    }
    if (silent >= max_silence_)
        return {errc::timed_out, phase::transfer, 0, "the other side is silent"};
    return {};
}

result<void> conversation::send_command(std::string_view words)
{
    multipart whole;
    SLK_TRY(whole.add(mark));
    SLK_TRY(whole.add(words));
    SLK_TRY(repeat([&](const timeout& limit) { return socket_.send(std::move(whole), limit); }));
    return {};
}

result<std::string> conversation::receive_command()
{
    message first;
    SLK_TRY(repeat([&](const timeout& limit) { return socket_.receive(first, limit); }));
    if (!first.more())
        return unknown_protocol();
    return receive_command_after(first);
}

result<std::string> conversation::receive_command_after_stream()
{
    message next;
    do {
        SLK_TRY(repeat([&](const timeout& limit) { return socket_.receive(next, limit); }));
    } while (!next.more());
    return receive_command_after(next);
}

result<std::string> conversation::receive_command_after(const message& first)
{
    if (first.text() != mark)
        return unknown_protocol();
    message words;
    // All parts of a message arrive together with its first one.
    SLK_TRY(socket_.receive(words, no_wait));
    if (words.more())
        return unknown_protocol();
    return std::string(words.text());
}

result<std::optional<std::string>> conversation::poll_command()
{
    message first;
    const auto received = socket_.receive(first, no_wait);
    if (is_timeout(received))
        return std::optional<std::string>();
    if (!received)
        return fail(received.error());
    if (!first.more())
        return unknown_protocol();
    SLK_TRY(std::string words, receive_command_after(first));
    return std::optional<std::string>(std::move(words));
}

result<void> conversation::prepare(const work& next)
{
    const std::uint32_t mark_of_both = high_water_mark_for(next);
    SLK_TRY(socket_.set_send_high_water_mark(mark_of_both));
    return socket_.set_receive_high_water_mark(mark_of_both);
}

void conversation::close()
{
    (void)socket_.close(1s);
}

} // namespace slk::tool::bench
