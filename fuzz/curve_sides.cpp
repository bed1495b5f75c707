// SPDX-License-Identifier: MPL-2.0
#include "curve_sides.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>
#include <vector>

namespace slk::fuzz {

namespace {

using namespace slk::zmtp;

// curve_client.hex and curve_server.hex.
constexpr std::string_view server_public =
    "6e0473a2ea171441f47bb46073cd8c05af34b4a591b1c94cc6d8268b640b6547";
constexpr std::string_view server_secret =
    "8e8b9baa14ed606747659ce9a661fe782bd04e874e35a1aac31c0674b02a3c8f";
constexpr std::string_view client_public =
    "19bf26d18c2f12db334dab2f44d3eb8ace4a7ec2ffe44a74db2a56d0f6988608";
constexpr std::string_view client_secret =
    "e432333f43a4971dad775be020212bbd65adf8d822966c6eba90be49fdc67254";
constexpr std::string_view server_transient =
    "a62b292d7c9df4973ccc95c3697defc9f0a548f932a4eadd1b4e10960431e543";
constexpr std::string_view cookie_key =
    "639b5fa54635e5e48f66a93aa1c5718daebaaba10aaf9df10e4e76dee6089585";
constexpr std::uint64_t cookie_number = 0x46e084de8b8b38ae;
constexpr std::string_view client_transient =
    "9abc2a79945326f0c02b8de357615c6ea04c7019f876d7bd28021676d4bc596f";

std::vector<std::byte> from_hex(std::string_view digits)
{
    std::vector<std::byte> bytes;
    for (; digits.size() >= 2; digits.remove_prefix(2)) {
        unsigned value = 0;
        (void)std::from_chars(digits.data(), digits.data() + 2, value, 16);
        bytes.push_back(static_cast<std::byte>(value));
    }
    return bytes;
}

curve_key key_of(std::string_view digits)
{
    curve_key key{};
    std::ranges::copy(from_hex(digits), key.begin());
    return key;
}

/// Repeats the random numbers of a side, and gives zeros behind them.
class recorded_entropy final : public entropy_source {
public:
    explicit recorded_entropy(std::vector<std::byte> all) : all_(std::move(all)) {}
    void rewind() { used_ = 0; }
    void fill(std::span<std::byte> into) noexcept override
    {
        for (std::byte& each : into)
            each = used_ < all_.size() ? all_[used_++] : std::byte{0};
    }

private:
    std::vector<std::byte> all_;
    std::size_t used_ = 0;
};

struct side {
    recorded_entropy entropy;
    curve_key secret{};
    curve_settings settings{};
    std::unique_ptr<curve_cookies> cookies{};

    side(std::vector<std::byte> random, std::string_view own_secret, std::string_view own_public)
        : entropy(std::move(random)), secret(key_of(own_secret))
    {
        settings.own_public = key_of(own_public);
        settings.own_secret = secret;
        settings.entropy = &entropy;
    }
};

/// The nonce of WELCOME, the transient key, and the key of cookies.
std::vector<std::byte> random_of_server()
{
    std::vector<std::byte> all(16);
    for (const std::string_view part : {server_transient, cookie_key})
        for (const std::byte each : from_hex(part))
            all.push_back(each);
    return all;
}

} // namespace

void renew_curve(session_options& options)
{
    static side server(random_of_server(), server_secret, server_public);
    static side client(from_hex(client_transient), client_secret, client_public);
    side& own = options.as_server ? server : client;
    own.entropy.rewind();
    own.settings.server = key_of(server_public);
    own.cookies = curve_cookies::create(own.entropy, cookie_number - 1);
    own.settings.cookies = own.cookies.get();
    options.curve = &own.settings;
}

} // namespace slk::fuzz
