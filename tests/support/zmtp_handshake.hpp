// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_ZMTP_HANDSHAKE_HPP
#define SLK_TESTS_SUPPORT_ZMTP_HANDSHAKE_HPP

/// What a peer of ZMTP 3.1 with the mechanism NULL sends before its first message (RFC 37), written
/// without the library.

#include <string>
#include <string_view>

namespace slk::testing {

[[nodiscard]] inline std::string zmtp_greeting()
{
    std::string greeting("\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL", 16);
    greeting.resize(64, '\0');
    return greeting;
}

/// Of a peer that speaks no later version (RFC 23 has 3.1).
[[nodiscard]] inline std::string zmtp_3_0_greeting()
{
    std::string greeting = zmtp_greeting();
    greeting[11] = '\0';
    return greeting;
}

[[nodiscard]] inline std::string zmtp_ready(std::string_view socket_type)
{
    std::string data = "\5READY\13Socket-Type";
    data.append(3, '\0');
    data += static_cast<char>(socket_type.size());
    data += socket_type;
    return std::string("\4") + static_cast<char>(data.size()) + data;
}

} // namespace slk::testing

#endif
