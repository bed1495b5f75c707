// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_CURVE_OPTIONS_HPP
#define SLK_TESTS_SUPPORT_CURVE_OPTIONS_HPP

/// Keys of a CURVE server and its clients, and options with them.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

namespace slk::testing {

struct curve_keys {
    curve_key_pair server = must(make_curve_keys());
    curve_key_pair client = must(make_curve_keys());

    template <class Options = socket_options>
    [[nodiscard]] Options of_server(Options options = {}) const
    {
        options.security.mechanism = security_mechanism::curve_server;
        options.security.curve.own = server.secret_key;
        return options;
    }
    template <class Options = socket_options>
    [[nodiscard]] Options of_client(Options options = {}) const
    {
        options.security.mechanism = security_mechanism::curve_client;
        options.security.curve.own = client.secret_key;
        options.security.curve.server = server.public_key;
        return options;
    }
};

} // namespace slk::testing

#endif
