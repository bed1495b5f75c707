// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_ZMTP_CURVE_RIG_HPP
#define SLK_TESTS_ZMTP_CURVE_RIG_HPP

/// The two sides of CURVE for tests: keys, random numbers that are no secret, and a handshake of
/// which one byte may be changed.

#include "zmtp/curve/peer.hpp"

#include <serverlink/curve.hpp>
#include <serverlink/random.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

namespace slk::testing {

inline constexpr time_point handshake_time{std::chrono::hours(1)};

inline zmtp::curve_key key_of(zmtp::byte_view from)
{
    zmtp::curve_key key{};
    std::copy_n(from.begin(), std::min(from.size(), key.size()), key.begin());
    return key;
}

/// Gives the bytes in `next`, and then some that can be repeated.
class scripted_entropy final : public zmtp::entropy_source {
public:
    void fill(std::span<std::byte> into) noexcept override
    {
        for (std::byte& each : into) {
            each = used_ < next.size() ? next[used_] : static_cast<std::byte>(numbers_.next());
            ++used_;
        }
    }

    std::vector<std::byte> next;

private:
    std::size_t used_ = 0;
    random_stream numbers_{1};
};

/// A server and a client with their keys.
class curve_rig {
public:
    curve_rig()
    {
        const auto make = [&](zmtp::curve_key& secret, zmtp::curve_key& open) {
            entropy_.fill(secret);
            zmtp::crypto::make_public_key(open, secret);
        };
        if (!zmtp::crypto::is_available())
            return;
        make(server_secret_, server_.own_public);
        make(client_secret_, client_.own_public);
        server_.own_secret = server_secret_;
        client_.own_secret = client_secret_;
        client_.server = server_.own_public;
        server_.entropy = client_.entropy = &entropy_;
        cookies_ = zmtp::curve_cookies::create(entropy_);
        server_.cookies = cookies_.get();
    }

    [[nodiscard]] const zmtp::curve_settings& server() const { return server_; }
    [[nodiscard]] const zmtp::curve_settings& client() const { return client_; }

private:
    mutable scripted_entropy entropy_;
    zmtp::curve_key server_secret_{}, client_secret_{};
    zmtp::curve_settings server_, client_;
    std::unique_ptr<zmtp::curve_cookies> cookies_;
};

/// A handshake without sessions: HELLO, WELCOME, INITIATE, READY, and a message.
class curve_pair {
public:
    explicit curve_pair(const curve_rig& rig) : rig_(rig) {}

    /// Does the steps up to this one, in which the byte at `changed` of the whole frame is changed.
    /// Returns whether all of them were taken.
    bool run(int step, std::optional<std::size_t> changed)
    {
        const auto pass = [&](int number, zmtp::byte_view frame) {
            last.assign(frame.begin(), frame.end());
            if (number == step && changed)
                last[*changed] ^= std::byte{1};
            const zmtp::header_view seen = zmtp::read_header(last, {});
            const std::size_t names[] = {6, 8, 9, 6, 0};
            return zmtp::byte_view(last).subspan(seen.frame.header + names[number]);
        };
        const zmtp::own_metadata own{
            .type = zmtp::socket_type::dealer, .identity = "me", .application = {}};
        auto begun = zmtp::curve_peer::begin(rig_.client());
        if (!begun)
            return false;
        client = std::move(*begun);
        hello.assign(client->output().begin(), client->output().end());
        auto accepted =
            zmtp::curve_peer::accept(rig_.server(), pass(0, client->output()), hello_at);
        client->output_sent();
        if (!accepted)
            return false;
        server = std::move(*accepted);
        if (step == 0)
            return true;
        if (!client->take_welcome(pass(1, server->output()), own))
            return false;
        server->output_sent();
        if (step == 1)
            return true;
        initiate.assign(client->output().begin(), client->output().end());
        if (!server->take_initiate(pass(2, client->output()), initiate_at))
            return false;
        client->output_sent();
        server->forget_metadata();
        if (step == 2)
            return true;
        std::vector<std::byte> ready(zmtp::curve_peer::ready_frame_size(own));
        zmtp::writer out(ready.data());
        server->write_ready_frame(out, own);
        if (!client->take_ready(pass(3, ready)))
            return false;
        if (step == 3)
            return true;
        std::vector<std::byte> frame(zmtp::sealed_frame_size(2));
        std::byte* const to = client->begin_frame(frame.data(), false, false, 2);
        to[0] = to[1] = std::byte{'x'};
        client->end_frame(to, 2);
        std::byte text[3];
        return !server->open_frame(text, pass(4, frame));
    }

    std::unique_ptr<zmtp::curve_peer> client, server;
    std::vector<std::byte> last; ///< what was passed last
    std::vector<std::byte> hello, initiate;
    time_point hello_at = handshake_time, initiate_at = handshake_time;

private:
    const curve_rig& rig_;
};

} // namespace slk::testing

#endif
