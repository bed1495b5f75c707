// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LIBZMQ_SOCKET_OPTIONS_HPP
#define SLK_LIBZMQ_SOCKET_OPTIONS_HPP

/// What the options of a program are in the C++ API.

#include <serverlink/socket_options.hpp>

#include "libzmq/context.hpp"
#include "libzmq/option_values.hpp"

namespace slk::libzmq {

/// Errors: out_of_memory.
[[nodiscard]] result<socket_options> to_socket_options(const option_values& from, socket_type type,
                                                       context& in);

} // namespace slk::libzmq

#endif
