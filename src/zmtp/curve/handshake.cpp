// SPDX-License-Identifier: MPL-2.0

// The four commands of CURVE's handshake.

#include "zmtp/curve/peer.hpp"

#include "base/wipe.hpp"
#include "base/zmtp_fault.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace slk::zmtp {

namespace {

constexpr std::size_t random_size = 16;

// Offsets in the data, behind the name of the command.
constexpr std::size_t hello_size = 194;
constexpr std::size_t hello_padding = 72;
constexpr std::size_t hello_client = 2 + hello_padding;
constexpr std::size_t hello_number = hello_client + curve_key_size;
constexpr std::size_t hello_box = hello_number + curve_number_size;
constexpr std::size_t hello_text = 64;

constexpr std::size_t welcome_size = 160;
constexpr std::size_t welcome_text = curve_key_size + curve_cookie_size;

constexpr std::size_t initiate_number = curve_cookie_size;
constexpr std::size_t initiate_box = initiate_number + curve_number_size;
constexpr std::size_t vouch_text = 2 * curve_key_size;
constexpr std::size_t vouch_size = curve_mac_size + vouch_text;
/// The text of INITIATE's box before the metadata.
constexpr std::size_t initiate_text = curve_key_size + random_size + vouch_size;

/// The derived key of a box with a long random nonce, and the number that its last half is.
struct long_nonce {
    curve_key key{};
    std::uint64_t number = 0;

    long_nonce(const curve_key& shared, std::string_view label, byte_view random) noexcept
        : number(load<std::uint64_t>(random.data() + curve_number_size))
    {
        std::array<std::byte, curve_prefix_size> prefix{};
        writer out(prefix.data());
        out.copy(label);
        out.copy(random.first(curve_number_size));
        crypto::derive_key(key, shared, prefix);
    }
    long_nonce(const long_nonce&) = delete;
    long_nonce& operator=(const long_nonce&) = delete;
    ~long_nonce() { wipe(key); }
};

/// The derived key of the boxes of one command.
struct command_key {
    curve_key key{};

    command_key(std::span<const std::byte, curve_key_size> shared, std::string_view label) noexcept
    {
        crypto::derive_key(key, shared, bytes_of(label).first<curve_prefix_size>());
    }
    command_key(const command_key&) = delete;
    command_key& operator=(const command_key&) = delete;
    ~command_key() { wipe(key); }
};

/// A key that does not stay in memory.
struct secret {
    curve_key key{};

    secret() noexcept = default;
    secret(const secret&) = delete;
    secret& operator=(const secret&) = delete;
    ~secret() { wipe(key); }
};

unexpected broken(fault how, const char* detail) noexcept
{
    return fail(fault_error(how, detail));
}

unexpected untrusted(const char* detail) noexcept
{
    return fail(fault_error(fault::cryptographic, detail, errc::authentication_refused));
}

unexpected no_memory() noexcept
{
    return fail(errc::out_of_memory, phase::handshake, "no memory for the handshake");
}

/// The header and the name of a command. Returns where its data goes.
std::byte* write_begin(std::byte* to, std::string_view name, std::size_t data) noexcept
{
    to += write_header(to, flag_command, name.size() + data);
    std::memcpy(to, name.data(), name.size());
    return to + name.size();
}

constexpr std::size_t frame_size(std::string_view name, std::size_t data) noexcept
{
    return header_size(name.size() + data) + name.size() + data;
}

constexpr std::string_view hello_command = "\5HELLO";
constexpr std::string_view welcome_command = "\7WELCOME";
constexpr std::string_view initiate_command = "\10INITIATE";
constexpr std::string_view ready_command = "\5READY";

void copy(std::byte* to, byte_view from) noexcept
{
    std::memcpy(to, from.data(), from.size());
}

curve_key key_at(byte_view data, std::size_t offset) noexcept
{
    curve_key key{};
    std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(offset), curve_key_size, key.begin());
    return key;
}

} // namespace

// --- client ---

result<std::unique_ptr<curve_peer>> curve_peer::begin(const curve_settings& settings) noexcept
{
    SLK_TRY(locked_slot keys, take_slot());
    std::unique_ptr<curve_peer> made(new (std::nothrow) curve_peer(settings, std::move(keys)));
    if (made == nullptr || !made->make_block(frame_size(hello_command, hello_size), true))
        return no_memory();
    const auto transient = made->keys_.key(own_transient);
    settings.entropy->fill(transient);
    crypto::make_public_key(made->client_, transient);
    secret agreed;
    if (!crypto::make_shared_key(agreed.key, settings.server, transient))
        return untrusted("the server's public key is none");
    std::byte* const data = write_begin(made->block_.get(), hello_command, hello_size);
    std::memset(data, 0, hello_size);
    data[0] = std::byte{1}; // the version is 1.0
    copy(data + hello_client, made->client_);
    writer(data + hello_number).number(++made->sent_);
    const command_key box(agreed.key, "CurveZMQHELLO---");
    crypto::seal(data + hello_box, hello_text, made->sent_, box.key);
    return made;
}

result<void> curve_peer::take_welcome(byte_view data, const own_metadata& own) noexcept
{
    if (data.size() != welcome_size)
        return broken(fault::malformed_welcome, "the peer's WELCOME is malformed");
    if (has_output_)
        return broken(fault::unexpected_command, "the peer's WELCOME came before it had a HELLO");
    const auto transient = keys_.key(own_transient);
    secret agreed;
    std::array<std::byte, welcome_text> text{};
    if (!crypto::make_shared_key(agreed.key, settings_.server, transient))
        return untrusted("the server's public key is none");
    {
        const long_nonce box(agreed.key, "WELCOME-", data.first(random_size));
        if (!crypto::open(text.data(), data.subspan(random_size), box.number, box.key))
            return untrusted("the peer's WELCOME was not made by the server with this key");
    }
    const curve_key server = key_at(text, 0); // its transient public key
    if (!make_block(frame_size(initiate_command, curve_cookie_size + curve_number_size +
                                                     curve_mac_size + initiate_text +
                                                     metadata_size(own)),
                    true))
        return no_memory();
    const std::size_t size = initiate_text + metadata_size(own);
    std::byte* const to =
        write_begin(block_.get(), initiate_command, initiate_box + curve_mac_size + size);
    copy(to, byte_view(text).subspan(curve_key_size));
    writer(to + initiate_number).number(++sent_);
    std::byte* const inner = to + initiate_box + curve_mac_size;
    copy(inner, settings_.own_public);
    const std::span<std::byte> random(inner + curve_key_size, random_size);
    settings_.entropy->fill(random);
    std::byte* const vouch = inner + curve_key_size + random_size;
    copy(vouch + curve_mac_size, client_);
    copy(vouch + curve_mac_size + curve_key_size, settings_.server);
    {
        secret vouched;
        if (!crypto::make_shared_key(vouched.key, server, own_secret()))
            return untrusted("the server's transient key is none");
        const long_nonce box(vouched.key, "VOUCH---", random);
        crypto::seal(vouch, vouch_text, box.number, box.key);
    }
    writer metadata(inner + initiate_text);
    write_metadata(metadata, own);
    secret both;
    if (!crypto::make_shared_key(both.key, server, transient))
        return untrusted("the server's transient key is none");
    const command_key box(both.key, "CurveZMQINITIATE");
    crypto::seal(to + initiate_box, size, sent_, box.key);
    copy(keys_.key(shared).data(), both.key);
    return {};
}

result<void> curve_peer::take_ready(byte_view data) noexcept
{
    if (data.size() < curve_number_size + curve_mac_size)
        return broken(fault::malformed_ready, "the peer's READY is malformed");
    if (has_output_)
        return broken(fault::unexpected_command, "the peer's READY came before it had an INITIATE");
    const byte_view sealed = data.subspan(curve_number_size);
    if (!make_block(sealed.size() - curve_mac_size, false))
        return no_memory();
    received_ = load<std::uint64_t>(data.data());
    const command_key box(keys_.key(shared), "CurveZMQREADY---");
    if (!crypto::open(block_.get(), sealed, received_, box.key)) {
        free_block();
        return untrusted("the peer's READY was not made by the server with this key");
    }
    derive_traffic_keys(false);
    wipe(keys_.key(shared));
    return {};
}

// --- server ---

result<std::unique_ptr<curve_peer>> curve_peer::accept(const curve_settings& settings,
                                                       byte_view hello, time_point now) noexcept
{
    if (hello.size() != hello_size || hello[0] != std::byte{1} || hello[1] != std::byte{0})
        return broken(fault::malformed_hello,
                      "the peer's HELLO is malformed, or of another version of CURVE");
    curve_cookie_keys transient;
    transient.client = key_at(hello, hello_client);
    secret agreed;
    const std::span<const std::byte, curve_key_size> own(settings.own_secret);
    std::array<std::byte, hello_text> text{};
    const std::array<std::byte, hello_text> zeros{};
    if (!crypto::make_shared_key(agreed.key, transient.client, own))
        return untrusted("the peer's transient key is none");
    {
        const command_key box(agreed.key, "CurveZMQHELLO---");
        if (!crypto::open(text.data(), hello.subspan(hello_box),
                          load<std::uint64_t>(hello.data() + hello_number), box.key))
            return untrusted("the peer's HELLO was made for another server key");
    }
    if (!crypto::equal(text, zeros))
        return broken(fault::malformed_hello, "the peer's HELLO is malformed");
    std::unique_ptr<curve_peer> made(new (std::nothrow) curve_peer(settings, locked_slot()));
    if (made == nullptr || !made->make_block(frame_size(welcome_command, welcome_size), true))
        return no_memory();
    std::byte* const data = write_begin(made->block_.get(), welcome_command, welcome_size);
    const std::span<std::byte> random(data, random_size);
    settings.entropy->fill(random);
    settings.entropy->fill(transient.secret);
    curve_key transient_public{};
    crypto::make_public_key(transient_public, transient.secret);
    std::byte* const inner = data + random_size + curve_mac_size;
    copy(inner, transient_public);
    made->cookie_ = settings.cookies->make(
        std::span<std::byte, curve_cookie_size>(inner + curve_key_size, curve_cookie_size),
        transient, now);
    wipe(transient.secret);
    const long_nonce box(agreed.key, "WELCOME-", random);
    crypto::seal(data + random_size, welcome_text, box.number, box.key);
    return made;
}

result<void> curve_peer::take_initiate(byte_view data, time_point now) noexcept
{
    if (data.size() < initiate_box + curve_mac_size + initiate_text)
        return broken(fault::malformed_initiate, "the peer's INITIATE is malformed");
    if (has_output_)
        return broken(fault::unexpected_command,
                      "the peer's INITIATE came before it had a WELCOME");
    if (!keys_) {
        SLK_TRY(keys_, take_slot());
    }
    curve_cookie_keys transient;
    if (!settings_.cookies->open(transient, data.first<curve_cookie_size>(), cookie_, now))
        return untrusted("the peer's cookie is not the one of its WELCOME, or too old");
    secret own, both, vouched;
    own.key = transient.secret;
    wipe(transient.secret);
    const byte_view sealed = data.subspan(initiate_box);
    if (!make_block(sealed.size() - curve_mac_size, false))
        return no_memory();
    const auto refuse = [&] {
        free_block();
        return untrusted("the peer's INITIATE does not prove the key that it names");
    };
    received_ = load<std::uint64_t>(data.data() + initiate_number);
    if (!crypto::make_shared_key(both.key, transient.client, own.key))
        return refuse();
    {
        const command_key box(both.key, "CurveZMQINITIATE");
        if (!crypto::open(block_.get(), sealed, received_, box.key))
            return refuse();
    }
    const byte_view text(block_.get(), block_size_);
    client_ = key_at(text, 0);
    if (!crypto::make_shared_key(vouched.key, client_, own.key))
        return refuse();
    std::array<std::byte, vouch_text> vouch{};
    const long_nonce box(vouched.key, "VOUCH---", text.subspan(curve_key_size, random_size));
    if (!crypto::open(vouch.data(), text.subspan(curve_key_size + random_size, vouch_size),
                      box.number, box.key) ||
        !crypto::equal(byte_view(vouch).first(curve_key_size), transient.client) ||
        !crypto::equal(byte_view(vouch).subspan(curve_key_size), settings_.own_public))
        return refuse();
    block_size_ -= initiate_text;
    std::memmove(block_.get(), block_.get() + initiate_text, block_size_);
    copy(keys_.key(shared).data(), both.key);
    derive_traffic_keys(true);
    return {};
}

std::size_t curve_peer::ready_frame_size(const own_metadata& own) noexcept
{
    return frame_size(ready_command, curve_number_size + curve_mac_size + metadata_size(own));
}

void curve_peer::write_ready_frame(writer& out, const own_metadata& own) noexcept
{
    const std::size_t size = metadata_size(own);
    std::byte* const begin = out.skip(ready_frame_size(own));
    std::byte* const data =
        write_begin(begin, ready_command, curve_number_size + curve_mac_size + size);
    writer(data).number(++sent_);
    writer metadata(data + curve_number_size + curve_mac_size);
    write_metadata(metadata, own);
    {
        const command_key box(keys_.key(shared), "CurveZMQREADY---");
        crypto::seal(data + curve_number_size, size, sent_, box.key);
    }
    wipe(keys_.key(shared));
}

} // namespace slk::zmtp
