// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_HOST_HPP
#define BENCH_MESSAGES_HOST_HPP

#include <sys/utsname.h>

#include <string>

namespace bench {

/// "Linux 6.1.0"
inline std::string system_name()
{
    utsname host{};
    uname(&host);
    return std::string(host.sysname) + " " + host.release;
}

} // namespace bench

#endif
