// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_CURVE_PEER_HPP
#define SLK_ZMTP_CURVE_PEER_HPP

/// CURVE (RFC 26) on one connection: its handshake, and then the boxes that messages travel in. The
/// order of the handshake is the session machine's; this class reads and writes its commands.
///
///    client                              server
///    HELLO     C't, box(0)        -->                    the client knows the server's key
///              <--   WELCOME      box(S't, cookie)       the server keeps a number, and no key
///    INITIATE  cookie, box(C, vouch, metadata) -->       the client has the key C
///              <--   READY        box(metadata)
///    MESSAGE   box(flags, body)   <->
///
/// C, S: the long-term keys; C't, S't: those of this connection, which is what makes a recorded
/// connection unreadable when a long-term key is stolen later. libzmq 4.3.4 frames a MESSAGE as a
/// message, not as a command, and so does this library: no peer understands the other form.
///
/// Every command has a number, which is a part of its nonce: a sender counts, and a receiver takes
/// only a greater number than before. Keys are random for each connection, so that no nonce comes
/// twice with one key.

#include "zmtp/curve/cookies.hpp"
#include "zmtp/curve/locked_slots.hpp"
#include "zmtp/frame.hpp"
#include "zmtp/metadata.hpp"

#include <serverlink/error.hpp>
#include <serverlink/result.hpp>

#include <memory>

namespace slk::zmtp {

/// What the connections of an endpoint have in common. The views must outlive them.
struct curve_settings {
    curve_key own_public{};
    std::span<const std::byte> own_secret{}; ///< 32 bytes
    curve_key server{}; ///< client: the server's public key
    curve_cookies* cookies = nullptr; ///< server
    entropy_source* entropy = nullptr;
};

/// Of the number of a command.
inline constexpr std::size_t curve_number_size = 8;

/// How much longer than its metadata the command is.
inline constexpr std::size_t curve_initiate_overhead = 257;

/// The body of a MESSAGE: its name, its number, a box with the flags and the body of the message.
inline constexpr std::size_t curve_message_overhead = 8 + 8 + curve_mac_size + 1;

/// The sealed frame of a body with this size.
[[nodiscard]] constexpr std::size_t sealed_frame_size(std::uint64_t body) noexcept
{
    const std::uint64_t sealed = curve_message_overhead + body;
    return header_size(sealed) + static_cast<std::size_t>(sealed);
}

class curve_peer {
public:
    // --- the handshake ---

    /// Client: begins, with a HELLO to be sent.
    [[nodiscard]] static result<std::unique_ptr<curve_peer>>
    begin(const curve_settings& settings) noexcept;
    /// Server: a HELLO has come. Nothing is allocated here before it is known to be made for this
    /// server's key. Then there is a WELCOME to be sent.
    [[nodiscard]] static result<std::unique_ptr<curve_peer>>
    accept(const curve_settings& settings, byte_view hello, time_point now) noexcept;

    /// Client: then there is an INITIATE to be sent.
    [[nodiscard]] result<void> take_welcome(byte_view data, const own_metadata& own) noexcept;
    /// Server: then client_key() and metadata() are the client's.
    [[nodiscard]] result<void> take_initiate(byte_view data, time_point now) noexcept;
    /// Client: then metadata() is the server's.
    [[nodiscard]] result<void> take_ready(byte_view data) noexcept;

    /// HELLO, WELCOME or INITIATE: the frame to be sent next.
    [[nodiscard]] byte_view output() const noexcept
    {
        return has_output_ ? byte_view(block_.get(), block_size_) : byte_view();
    }
    void output_sent() noexcept { free_block(); }
    /// Server: READY.
    [[nodiscard]] static std::size_t ready_frame_size(const own_metadata& own) noexcept;
    void write_ready_frame(writer& out, const own_metadata& own) noexcept;

    [[nodiscard]] byte_view metadata() const noexcept
    {
        return has_output_ ? byte_view() : byte_view(block_.get(), block_size_);
    }
    /// The metadata has been used.
    void forget_metadata() noexcept
    {
        if (!has_output_)
            free_block();
    }
    /// Server: the client's long-term public key.
    [[nodiscard]] const curve_key& client_key() const noexcept { return client_; }

    /// The peer has proved its key: there are keys for traffic.
    [[nodiscard]] bool has_traffic_keys() const noexcept { return has_traffic_keys_; }

    // --- traffic: sending, by one thread at a time ---

    /// Writes the beginning of a sealed frame, and returns where its body is to be written. Needs
    /// has_traffic_keys().
    [[nodiscard]] std::byte* begin_frame(std::byte* to, bool more, bool command,
                                         std::uint64_t size) noexcept;
    /// Its body is there: encrypts it.
    void end_frame(std::byte* body, std::size_t size) noexcept;

    // --- traffic: receiving, by one thread at a time ---

    /// Takes the body of a sealed frame, and decrypts its flags and body to `to`, which has room
    /// for them. Returns why not; the connection has to end then.
    [[nodiscard]] error open_frame(std::byte* to, byte_view sealed) noexcept;
    /// The same without decrypting: open_part() follows.
    [[nodiscard]] error check_frame(byte_view sealed) noexcept;
    /// Decrypts bytes of the frame that was checked last; `offset`: of the first one, with the
    /// flags at 0.
    void open_part(std::byte* to, byte_view sealed, std::uint64_t offset,
                   std::size_t size) const noexcept;

    static constexpr std::uint8_t inner_more = 0x01;
    static constexpr std::uint8_t inner_command = 0x02;

private:
    curve_peer(const curve_settings& settings, locked_slot keys) noexcept
        : settings_(settings), keys_(std::move(keys))
    {
    }

    // What the three keys are.
    static constexpr std::size_t own_transient = 0; ///< client, until WELCOME
    static constexpr std::size_t shared = 0; ///< of the two transient keys, until READY
    static constexpr std::size_t sending = 1;
    static constexpr std::size_t receiving = 2;

    [[nodiscard]] static result<locked_slot> take_slot() noexcept;
    [[nodiscard]] bool make_block(std::size_t size, bool is_output) noexcept;
    void free_block() noexcept;
    void derive_traffic_keys(bool as_server) noexcept;
    [[nodiscard]] error take_number(byte_view sealed) noexcept;
    [[nodiscard]] std::span<const std::byte, curve_key_size> own_secret() const noexcept
    {
        return std::span<const std::byte, curve_key_size>(settings_.own_secret);
    }

    const curve_settings& settings_;
    locked_slot keys_;
    std::uint64_t sent_ = 0; ///< the number of the last command
    std::uint64_t received_ = 0;
    std::uint64_t cookie_ = 0; ///< server: its number
    bool has_output_ = false; ///< the block is to be sent; else it is metadata
    bool has_traffic_keys_ = false;
    std::size_t block_size_ = 0;
    std::unique_ptr<std::byte[]> block_;
    curve_key client_{}; ///< client: its transient public key, until INITIATE; server: C
};

} // namespace slk::zmtp

#endif
