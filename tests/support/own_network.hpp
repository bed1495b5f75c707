// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_OWN_NETWORK_HPP
#define SLK_TESTS_SUPPORT_OWN_NETWORK_HPP

/// A network namespace for one test (network_namespaces(7)). Linux only; needs CAP_SYS_ADMIN.

#include <cstdlib>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace slk::testing {

/// The thread is in a new network namespace, whose loopback is up, until the destructor runs.
class own_network {
public:
    own_network() : before_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC))
    {
        entered_ = before_ >= 0 && ::unshare(CLONE_NEWNET) == 0;
        usable_ = entered_ && run("ip link set lo up");
    }
    ~own_network()
    {
        if (entered_)
            (void)::setns(before_, CLONE_NEWNET);
        if (before_ >= 0)
            ::close(before_);
    }
    own_network(const own_network&) = delete;
    own_network& operator=(const own_network&) = delete;

    [[nodiscard]] bool usable() const { return usable_; }

    static bool run(const std::string& command)
    {
        return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
    }

    static bool set_port_range(const char* range)
    {
        std::ofstream file("/proc/sys/net/ipv4/ip_local_port_range");
        file << range << std::flush;
        return file.good();
    }

private:
    int before_ = -1;
    bool entered_ = false;
    bool usable_ = false;
};

inline constexpr const char* no_namespaces =
    "network namespaces, or the command ip, are not available";

} // namespace slk::testing

#endif
