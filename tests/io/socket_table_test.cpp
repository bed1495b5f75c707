// SPDX-License-Identifier: MPL-2.0
#include "io/socket_table.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace slk;
using namespace slk::io;

TEST_CASE("C4: a removed id finds nothing, even after its entry is used again")
{
    socket_table table;
    socket_id first;
    REQUIRE(table.add(3, address_family::ipv4, first) != nullptr);
    CHECK(table.find(first)->handle == 3);
    table.remove(first);
    CHECK(table.find(first) == nullptr);
    socket_id second;
    socket_entry* const entry = table.add(3, address_family::ipv6, second);
    REQUIRE(entry != nullptr);
    CHECK(second.index == first.index); // the entry is used again, the id is not
    CHECK(!(second == first));
    CHECK(table.find(first) == nullptr);
    CHECK(table.find(second) == entry);
}

TEST_CASE("a reused entry starts in the state of a new one")
{
    socket_table table;
    socket_id id;
    socket_entry* entry = table.add(3, address_family::ipv4, id);
    entry->listening = entry->bound = entry->watched = entry->connecting = true;
    entry->unusual = entry->attempted = entry->connected = true;
    entry->readable = entry->writable = false;
    table.remove(id);
    entry = table.add(4, address_family::ipv6, id);
    CHECK(!entry->listening);
    CHECK(!entry->bound);
    CHECK(!entry->watched);
    CHECK(!entry->connecting);
    CHECK(!entry->unusual);
    CHECK(!entry->attempted);
    CHECK(!entry->connected);
    CHECK(entry->readable);
    CHECK(entry->writable);
    CHECK(entry->family == address_family::ipv6);
}

TEST_CASE("entries never move, and ids of other tables find nothing")
{
    socket_table table;
    std::vector<socket_id> ids(1000);
    std::vector<socket_entry*> entries(1000);
    for (std::size_t index = 0; index < ids.size(); ++index)
        entries[index] =
            table.add(static_cast<native_handle>(index), address_family::ipv4, ids[index]);
    CHECK(table.open_count() == 1000);
    for (std::size_t index = 0; index < ids.size(); ++index)
        REQUIRE(table.find(ids[index]) == entries[index]);
    CHECK(table.find(socket_id{}) == nullptr);
    CHECK(table.find(socket_id{1000, 1}) == nullptr);
    CHECK(table.find(socket_id{5, 0}) == nullptr);
    for (socket_id id = table.any_open(); id; id = table.any_open())
        table.remove(id);
    CHECK(table.open_count() == 0);
}

TEST_CASE("C4: an entry whose generations are used up is retired")
{
    socket_table table;
    socket_id id;
    table.add(3, address_family::ipv4, id)->generation = UINT32_MAX;
    table.remove(socket_id{id.index, UINT32_MAX});
    socket_id next;
    REQUIRE(table.add(3, address_family::ipv4, next) != nullptr);
    CHECK(next.index != id.index);
    CHECK(table.find(socket_id{id.index, 0}) == nullptr);
}

TEST_CASE("every open handle is visited, and no closed one")
{
    socket_table table;
    std::vector<socket_id> ids(300);
    for (std::size_t index = 0; index < ids.size(); ++index)
        REQUIRE(table.add(static_cast<native_handle>(index), address_family::ipv4, ids[index]) !=
                nullptr);
    table.remove(ids[7]);
    table.find(ids[200])->handle = invalid_handle; // about to be closed
    std::vector<int> visits(300);
    table.for_each_handle([&](native_handle each) { ++visits[static_cast<std::size_t>(each)]; });
    for (std::size_t index = 0; index < visits.size(); ++index) {
        CAPTURE(index);
        CHECK(visits[index] == (index == 7 || index == 200 ? 0 : 1));
    }
}
