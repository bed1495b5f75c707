// SPDX-License-Identifier: MPL-2.0
#include "targets.hpp"

#include "capi_target.hpp"
#include "curve_sides.hpp"
#include "drive.hpp"
#include "libzmq_target.hpp"
#include "topic_targets.hpp"

#include <serverlink/random.hpp>

#include <algorithm>

namespace slk::fuzz {

namespace {

using namespace slk::zmtp;

/// The first bytes of an input choose the options, the rest is the stream.
unsigned take(byte_view& data)
{
    if (data.empty())
        return 0;
    const auto value = std::to_integer<unsigned>(data[0]);
    data = data.subspan(1);
    return value;
}

const char* run_greeting(byte_view data)
{
    greeting_view before;
    for (std::size_t size = 0; size <= data.size() && size <= 2 * greeting_size; ++size) {
        const greeting_view seen = inspect_greeting(data.first(size));
        if (before.speaks && seen.speaks != before.speaks)
            return "more bytes changed the version";
        if ((before.signature && !seen.signature) ||
            (before.may_send_rest && !seen.may_send_rest) || (before.complete && !seen.complete))
            return "more bytes contradicted an earlier result";
        if (seen.speaks.has_value() != (seen.need == 0))
            return "bytes are needed although all is known, or the other way round";
        if (size > 0 && !before.speaks && seen.speaks && before.need > 1)
            return "fewer bytes were needed than `need`";
        if (seen.complete && seen.need == 0 && size < greeting_size)
            return "complete without all bytes";
        if (seen.complete)
            (void)check_mechanism(data.first(greeting_size), mechanism::plain);
        before = seen;
    }
    return nullptr;
}

const char* run_frames(byte_view data)
{
    const std::uint64_t part = take(data) * 4;
    const std::uint64_t command = take(data);
    const frame_limits limits{
        .part = part, .command = command, .message = part * 2, .parts = 1 + command % 8};
    message_progress in_scan;
    const scanned found = scan_messages(data, limits, in_scan);
    message_progress begun;
    scanned slowly;
    byte_view rest = data;
    while (true) {
        const header_view seen = read_header(rest, limits, begun);
        if (seen.need > 0 || seen.failure || seen.frame.command ||
            rest.size() - seen.frame.header < seen.frame.size)
            break;
        std::array<std::byte, long_header> again{};
        const std::size_t length =
            write_header(again.data(), seen.frame.more ? flag_more : 0, seen.frame.size);
        const header_view reread = read_header(byte_view(again).first(length), limits, begun);
        if (reread.need > 0 || reread.failure || reread.frame.size != seen.frame.size ||
            reread.frame.more != seen.frame.more)
            return "a header that was written is read as another one";
        rest = rest.subspan(seen.frame.header + static_cast<std::size_t>(seen.frame.size));
        begun.add(seen.frame.size, seen.frame.more);
        ++slowly.frames;
        slowly.size = data.size() - rest.size();
        if (!seen.frame.more) {
            ++slowly.messages;
            slowly.whole_messages = slowly.size;
        }
    }
    if (found.size != slowly.size || found.frames != slowly.frames ||
        found.messages != slowly.messages || found.whole_messages != slowly.whole_messages ||
        in_scan.bytes != begun.bytes || in_scan.parts != begun.parts)
        return "the scan and the slow reading do not agree";
    return nullptr;
}

const char* reread_hello(const credentials& client)
{
    std::vector<std::byte> frame(hello_frame_size(client));
    writer out(frame.data());
    write_hello_frame(out, client);
    const header_view seen = read_header(frame, {});
    const auto command = parse_command(byte_view(frame).subspan(seen.frame.header));
    if (!command || command->name != command_name::hello)
        return "HELLO is not read as HELLO";
    const auto again = parse_hello(command->data);
    return again && again->user == client.user && again->password == client.password
               ? nullptr
               : "HELLO has changed on the way";
}

const char* reread_metadata(byte_view data)
{
    std::vector<property> all;
    metadata_reader reader(data);
    for (auto next = reader.next(); next && *next; next = reader.next())
        all.push_back(**next);
    const own_metadata own{.type = socket_type::dealer, .identity = {}, .application = all};
    std::vector<std::byte> written(metadata_size(own));
    writer out(written.data());
    write_metadata(out, own);
    metadata_reader again(written);
    (void)again.next(); // Socket-Type
    (void)again.next(); // Identity
    for (const property& one : all) {
        const auto next = again.next();
        if (!next || !*next || (*next)->name != one.name || (*next)->value != one.value)
            return "a property has changed on the way";
    }
    const auto end = again.next();
    return end && !*end ? nullptr : "there are more properties than were written";
}

const char* run_commands(byte_view data)
{
    const auto own = static_cast<socket_type>(take(data) % socket_type_count);
    const auto command = parse_command(data);
    if (!command)
        return command.error().detail != nullptr ? nullptr : "an error without a sentence";
    if (const auto client = parse_hello(command->data); client)
        if (const char* const broken = reread_hello(*client); broken != nullptr)
            return broken;
    if (const auto reason = parse_error(command->data); reason && reason->size() > 255)
        return "a reason of more than 255 bytes";
    if (const auto seen = parse_ping(command->data);
        seen && (seen->context.size() > max_ping_context || seen->ttl < duration::zero()))
        return "an impossible PING";
    const auto peer = parse_metadata(command->data, own);
    if (peer && peer->type && !may_talk(own, *peer->type))
        return "an illegal pair was let through";
    if (peer && !check_identity(peer->identity))
        return "a bad identity was let through";
    return reread_metadata(command->data);
}

/// The maximum of bytes that a session may need again.
std::size_t max_to_keep(const session_options& options)
{
    const std::size_t max =
        std::max({options.max_handshake_size, static_cast<std::size_t>(options.limits.command),
                  options.large_body, greeting_size, std::size_t{1} + max_identity});
    return max + long_header;
}

std::vector<std::size_t> random_cuts(std::size_t size, std::uint64_t seed)
{
    random_stream random(seed);
    std::vector<std::size_t> cuts;
    for (std::size_t at = random.next() % 40; at < size; at += 1 + random.next() % 40)
        cuts.push_back(at);
    return cuts;
}

using renewal = void (*)(session_options&);

/// The arrivals and the output do not depend on where a stream is cut. `renew`: before each
/// session.
const char* run_session(byte_view data, session_options options, renewal renew = nullptr)
{
    const unsigned choice = take(data);
    options.metadata.type = static_cast<socket_type>(take(data) % socket_type_count);
    options.metadata.identity = "us";
    options.accept_2_0 = (choice & 1) != 0;
    const bool small = (choice & 2) != 0;
    options.limits = small ? frame_limits{.part = 300, .command = 40, .message = 500, .parts = 4}
                           : frame_limits{};
    options.max_handshake_size = small && renew == nullptr ? 120 : 65536;
    options.large_body = !small ? 8192 : (choice & 8) != 0 ? 200 : 30;
    options.ask_about_peer = (choice & 16) != 0;
    options.ready_last = (choice & 32) != 0;
    owner by;
    by.status = (choice & 4) != 0 ? 400 : 200;
    if ((choice & 64) != 0)
        by.rejects = rejection::id_taken;
    by.silently = (choice & 128) != 0;

    const auto talk = [&](const std::vector<std::size_t>& cuts) {
        if (renew != nullptr)
            renew(options);
        return drive(options, data, cuts, by);
    };
    const conversation whole = talk({});
    const conversation cut = talk(random_cuts(data.size(), choice));
    const conversation byte_by_byte = talk(every_byte(data.size()));
    for (const conversation* one : {&whole, &cut, &byte_by_byte}) {
        if (one->broken != nullptr)
            return one->broken;
        // A CURVE peer that answers before it was written to is refused: that depends on the cuts.
        if (renew != nullptr)
            continue;
        if (one->events != whole.events || one->state != whole.state)
            return "the arrivals depend on where the stream is cut";
        if (one->sent != whole.sent)
            return "what is sent depends on how the stream is cut";
        if (one->state != session_state::failed && one->max_kept > max_to_keep(options))
            return "too much had to be kept";
    }
    return nullptr;
}

const char* run_null(byte_view data)
{
    return run_session(data, {});
}

const char* run_plain(byte_view data, bool as_server)
{
    session_options options;
    options.security = mechanism::plain;
    options.as_server = as_server;
    options.own_credentials = {"user", "password"};
    return run_session(data, options);
}

const char* run_plain_client(byte_view data)
{
    return run_plain(data, false);
}

const char* run_plain_server(byte_view data)
{
    return run_plain(data, true);
}

const char* run_curve_client(byte_view data)
{
    if (!crypto::is_available())
        return nullptr;
    session_options options;
    options.security = mechanism::curve;
    return run_session(data, options, renew_curve);
}

const char* run_curve_server(byte_view data)
{
    if (!crypto::is_available())
        return nullptr;
    session_options options;
    options.security = mechanism::curve;
    options.as_server = true;
    return run_session(data, options, renew_curve);
}

constexpr target all_targets[] = {
    {"greeting", run_greeting},
    {"frames", run_frames},
    {"commands", run_commands},
    {"null", run_null},
    {"plain_client", run_plain_client},
    {"plain_server", run_plain_server},
    {"curve_client", run_curve_client},
    {"curve_server", run_curve_server},
    {"requests", run_requests},
    {"subscriptions", run_subscriptions},
    {"globs", run_globs},
#if SLK_FUZZ_CAPI
    {"capi", run_capi},
#endif
#if SLK_FUZZ_LIBZMQ
    {"libzmq", run_libzmq},
#endif
};

} // namespace

std::span<const target> targets() noexcept
{
    return all_targets;
}

} // namespace slk::fuzz
