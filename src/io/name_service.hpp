// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_NAME_SERVICE_HPP
#define SLK_IO_NAME_SERVICE_HPP

/// A name service that answers asynchronously, without a thread: the simulation's.

#include <serverlink/address.hpp>
#include <serverlink/result.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace slk::io {

class name_service {
public:
    using handler = std::function<void(result<std::vector<address>>)>;

    virtual ~name_service() = default;
    /// Calls `done` once, later and never from inside, or not at all once the network is gone.
    virtual void look_up(const std::string& host, std::uint16_t port, handler done) = 0;
};

} // namespace slk::io

#endif
