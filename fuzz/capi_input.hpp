// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_FUZZ_CAPI_INPUT_HPP
#define SLK_FUZZ_CAPI_INPUT_HPP

/// What the arguments of a call of the C API are drawn from.

#include <serverlink/serverlink.h>

#include "zmtp/bytes.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <string>
#include <string_view>
#include <vector>

namespace slk::fuzz {

class capi_input {
public:
    explicit capi_input(zmtp::byte_view data) : data_(data) {}

    [[nodiscard]] bool is_empty() const noexcept { return data_.empty(); }
    unsigned byte() noexcept
    {
        if (data_.empty())
            return 0;
        const auto value = std::to_integer<unsigned>(data_[0]);
        data_ = data_.subspan(1);
        return value;
    }
    /// Below `count`.
    std::size_t index(std::size_t count) noexcept { return byte() % count; }
    /// Seldom true, and not at the end of the input.
    bool seldom() noexcept { return byte() % 16 == 15; }
    template <class Thing>
    Thing* or_null(Thing* thing) noexcept
    {
        return seldom() ? nullptr : thing;
    }

    int number() noexcept
    {
        constexpr std::array odd{-1, 0, 1, 2, 3, 100, 255, 256, 65536, -2, INT_MAX, INT_MIN};
        const unsigned value = byte();
        return value < 64 ? odd[value % odd.size()] : static_cast<int>(value) - 64;
    }
    /// Of one that exists, mostly.
    int socket_option() noexcept
    {
        constexpr std::array known{4,  5,  6,  7,  11, 12, 13, 14,  15,  16,  17,  18, 19, 21, 22,
                                   23, 24, 27, 28, 32, 33, 34, 35,  36,  37,  39,  40, 42, 51, 56,
                                   57, 60, 61, 66, 69, 70, 71, 72,  73,  75,  76,  77, 78, 80, 81,
                                   82, 97, 97, 23, 24, 6,  7,  108, 200, 201, 202, 69};
        const unsigned value = byte();
        return value < 192 ? known[value % known.size()] : number();
    }
    int context_option() noexcept
    {
        constexpr std::array known{1, 2, 3, 6, 7, 8, 9, 10, 13, 14, 42, 70};
        const unsigned value = byte();
        return value < 192 ? known[value % known.size()] : number();
    }
    /// Never more than 100,000.
    std::size_t size() noexcept
    {
        constexpr std::array sizes{0, 1, 2, 3, 4, 5, 8, 63, 64, 65, 255, 256, 300, 8191, 40'000};
        return static_cast<std::size_t>(sizes[index(sizes.size())]);
    }
    int flags() noexcept
    {
        const unsigned value = byte();
        if (value >= 240)
            return number();
        return value % 4 == 3 ? SLK_DONTWAIT | SLK_SNDMORE : SLK_DONTWAIT & static_cast<int>(value);
    }
    short events() noexcept
    {
        const unsigned value = byte();
        return static_cast<short>(value < 240 ? value % 8 : value);
    }
    /// As many bytes, which begin with some of the input.
    std::vector<std::byte> bytes(std::size_t count)
    {
        std::vector<std::byte> made(count, std::byte{0x5a});
        const std::size_t wanted = index(16);
        const std::size_t taken = std::min({count, data_.size(), wanted});
        std::ranges::copy(data_.first(taken), made.begin());
        data_ = data_.subspan(taken);
        return made;
    }
    /// `last`: the last endpoint of a socket. No name is looked up, and nothing leaves this
    /// machine.
    std::string endpoint(std::string_view last)
    {
        constexpr std::array<std::string_view, 24> known{
            "inproc://a",
            "inproc://b",
            "inproc://c",
            "tcp://127.0.0.1:*",
            "tcp://127.0.0.1:0",
            "tcp://127.0.0.1:1",
            "tcp://127.0.0.1:65536",
            "tcp://127.0.0.1:-1",
            "tcp://127.0.0.1",
            "tcp://127.0.0.1:",
            "tcp://",
            "tcp://:",
            "tcp://[::1]:*",
            "tcp://[::1:*",
            "tcp://no-interface0:*",
            "ipc://",
            "ipc://nowhere/of/that/name",
            "ipc://*",
            "inproc://",
            "://",
            "",
            "pgm://127.0.0.1:5",
            "udp://127.0.0.1:5",
            "inproc:/a",
        };
        constexpr unsigned inproc_names = 3; // the first ones
        const unsigned value = byte();
        if (value < 96)
            return std::string(known[value % inproc_names]);
        if (value < 160)
            return std::string(last);
        if (value < 232)
            return std::string(known[value % known.size()]);
        const auto drawn = bytes(index(40));
        const std::string name(reinterpret_cast<const char*>(drawn.data()), drawn.size());
        return value < 248 ? "inproc://" + name : "x" + name;
    }

private:
    zmtp::byte_view data_;
};

} // namespace slk::fuzz

#endif
