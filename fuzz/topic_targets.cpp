// SPDX-License-Identifier: MPL-2.0
#include "topic_targets.hpp"

#include "drive.hpp"
#include "naive_glob.hpp"

#include "pattern/glob.hpp"
#include "pattern/subscription_index.hpp"
#include "zmtp/command.hpp"
#include "zmtp/greeting.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slk::fuzz {

namespace {

using namespace slk::zmtp;
using namespace std::string_view_literals;

unsigned take_byte(byte_view& data)
{
    if (data.empty())
        return 0;
    const auto value = std::to_integer<unsigned>(data[0]);
    data = data.subspan(1);
    return value;
}

/// At most this number of the next bytes.
byte_view take_bytes(byte_view& data, std::size_t count)
{
    const byte_view taken = data.first(std::min(count, data.size()));
    data = data.subspan(taken.size());
    return taken;
}

void append(std::vector<std::byte>& to, byte_view bytes)
{
    to.insert(to.end(), bytes.begin(), bytes.end());
}

/// The greeting and READY of a subscriber.
std::vector<std::byte> handshake_of_subscriber(version speaks)
{
    constexpr std::string_view ready = "\4\x19\5READY\xbSocket-Type\0\0\0\3SUB"sv;
    greeting_bytes greeting = make_greeting(mechanism::null, false);
    constexpr std::size_t minor_version = 11;
    greeting[minor_version] = speaks == version::v3_0 ? std::byte{0} : std::byte{1};
    std::vector<std::byte> made;
    append(made, greeting);
    append(made, bytes_of(ready));
    return made;
}

/// A peer by its number.
struct numbered_peer final : pattern::peer {
    explicit numbered_peer(unsigned its_number) : number(its_number) {}
    const unsigned number;
};

} // namespace

/// Subscriptions that are written in either form, and other bytes between them, do not depend on
/// where the stream is cut; those that were written whole are read again.
const char* run_requests(byte_view data)
{
    const version speaks = (take_byte(data) & 1) != 0 ? version::v3_0 : version::v3_1;
    std::vector<std::byte> stream = handshake_of_subscriber(speaks);
    bool all_written = true;
    std::string expected;
    while (!data.empty()) {
        const unsigned choice = take_byte(data);
        const byte_view bytes = take_bytes(data, choice >> 3);
        if ((choice & 7) == 7) { // as they are
            append(stream, bytes);
            all_written = false;
            continue;
        }
        const bool subscribe = (choice & 1) != 0;
        const version form = (choice & 2) != 0 ? version::v3_0 : version::v3_1;
        std::vector<std::byte> frame(subscription_frame_size(form, subscribe, bytes));
        writer out(frame.data());
        write_subscription_frame(out, form, subscribe, bytes);
        append(stream, frame);
        expected += subscribe ? "subscribe " : "cancel ";
        expected += text_of(bytes);
        expected += '\n';
    }
    session_options options;
    options.metadata.type = socket_type::pub;
    const conversation whole = drive(options, stream, {});
    const conversation byte_by_byte = drive(options, stream, every_byte(stream.size()));
    std::vector<std::size_t> cuts;
    for (std::size_t at = 7; at < stream.size(); at += 11)
        cuts.push_back(at);
    const conversation cut = drive(options, stream, cuts);
    for (const conversation* one : {&whole, &byte_by_byte, &cut}) {
        if (one->broken != nullptr)
            return one->broken;
        if (one->events != whole.events || one->state != whole.state)
            return "the arrivals depend on where the stream is cut";
    }
    if (all_written && whole.state != session_state::ready)
        return "a subscription that was written is refused";
    // The first line is about the handshake.
    if (all_written && whole.events.substr(whole.events.find('\n') + 1) != expected)
        return "the subscriptions that were written are not those that arrived";
    return nullptr;
}

/// The index, and one without a thought about time, agree about every message.
const char* run_subscriptions(byte_view data)
{
    constexpr unsigned peer_count = 4;
    pattern::subscription_index index(take_byte(data) * 0x9e37'79b9'7f4a'7c15);
    std::vector<numbered_peer> peers;
    peers.reserve(peer_count);
    std::array<std::uint32_t, peer_count> numbers{};
    for (unsigned each = 0; each < peer_count; ++each)
        numbers[each] = index.add_peer(peers.emplace_back(each));
    std::array<std::map<std::string, std::uint32_t>, peer_count> naive;
    while (!data.empty()) {
        const unsigned choice = take_byte(data);
        const unsigned who = choice & 3;
        const byte_view topic = take_bytes(data, take_byte(data) % 40);
        const std::string text(reinterpret_cast<const char*>(topic.data()), topic.size());
        auto& own = naive[who];
        switch (choice >> 2 & 7) {
        case 0:
        case 1:
        case 2: {
            const auto times = index.subscribe(numbers[who], topic, {});
            if (!times || *times != ++own[text])
                return "a subscription counts another number";
            break;
        }
        case 3: {
            const auto left = index.unsubscribe(numbers[who], topic);
            const auto known = own.find(text);
            if (left.has_value() != (known != own.end()))
                return "a subscription is known, or unknown, by mistake";
            if (left && *left != --known->second)
                return "what is left is another number";
            if (left && *left == 0)
                own.erase(known);
            break;
        }
        case 4:
            if (index.cancel(numbers[who], topic) != (own.erase(text) > 0))
                return "a subscription is cancelled that there is not, or the other way round";
            break;
        case 5:
            index.remove_peer(numbers[who]);
            numbers[who] = index.add_peer(peers[who]);
            own.clear();
            break;
        default: {
            std::set<unsigned> expected, got;
            for (unsigned each = 0; each < peer_count; ++each)
                if (std::ranges::any_of(naive[each], [&](const auto& known) {
                        return text.starts_with(known.first);
                    }))
                    expected.insert(each);
            bool twice = false;
            index.match(topic, [&](pattern::peer& each) {
                twice = !got.insert(static_cast<numbered_peer&>(each).number).second || twice;
            });
            if (twice || got != expected)
                return "a message goes to other peers, or twice to one";
            if (index.matches(topic) != !expected.empty())
                return "matches() and match() do not agree";
            for (unsigned each = 0; each < peer_count; ++each)
                if (index.matches_for(numbers[each], topic) != expected.contains(each))
                    return "matches_for() and match() do not agree";
        }
        }
        std::set<std::string> topics;
        for (unsigned each = 0; each < peer_count; ++each) {
            for (const auto& known : naive[each])
                topics.insert(known.first);
            if (index.topics_of(numbers[each]) != naive[each].size())
                return "a peer has another number of topics";
        }
        if (index.topics() != topics.size())
            return "there is another number of topics";
    }
    return nullptr;
}

/// A glob and a naive one agree, and what it begins with is a beginning of all that matches.
const char* run_globs(byte_view data)
{
    const byte_view pattern = take_bytes(data, take_byte(data));
    const auto compiled = pattern::glob::compile(pattern);
    const std::string text(reinterpret_cast<const char*>(data.data()), data.size());
    const auto expected = naive_glob(
        std::string_view(reinterpret_cast<const char*>(pattern.data()), pattern.size()), text);
    if (compiled.has_value() != expected.has_value())
        return "a pattern is malformed for one of them only";
    if (!compiled)
        return compiled.error().detail != nullptr ? nullptr : "an error without a sentence";
    if (compiled->matches(data) != *expected)
        return "the two do not agree";
    const auto begins = pattern::glob::beginning_of(pattern);
    const auto beginning = begins.view();
    if (*expected &&
        !std::ranges::equal(beginning, data.first(std::min(beginning.size(), data.size()))))
        return "a message matches that begins otherwise";
    return nullptr;
}

} // namespace slk::fuzz
