// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <string>
#include <vector>

using namespace slk;
using namespace slk::testing;

TEST_CASE("PUSH sends to its peers in turn")
{
    auto in = new_context();
    auto from = new_socket<push>(in);
    std::vector<pull> to;
    for (int count = 0; count < 3; ++count) {
        to.push_back(new_socket<pull>(in));
        bind_and_connect(to.back(), from);
    }
    for (const char* const word : {"0", "1", "2", "3", "4", "5", "6"})
        must(from.send(word, test_timeout));
    const std::vector<std::string> expected[] = {{"0", "3", "6"}, {"1", "4"}, {"2", "5"}};
    for (std::size_t number = 0; number < 3; ++number)
        for (const std::string& word : expected[number])
            CHECK(receive_text(to[number]) == word);
}
