// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_LOCAL_SOCKET_HPP
#define SLK_IO_OS_LOCAL_SOCKET_HPP

/// Unix domain stream sockets and their names. Implemented twice, like system.hpp; Windows refuses.
///
/// A name is a path of at most 107 bytes or, on Linux, "@" and an abstract name. Whoever uses one
/// passes it beside the address, which does not contain it.

#include <serverlink/error.hpp>
#include <serverlink/result.hpp>

#include "io/socket_option.hpp"
#include "io/socket_table.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace slk::io::os {

inline constexpr const char* no_local_sockets = "ipc needs a POSIX system";

/// not_supported, with a sentence, where there are no such sockets or no such names;
/// invalid_argument for a path that the system's addresses have no room for.
[[nodiscard]] result<void> check_local_name(std::string_view path);

/// What a failure means to the user of a path; `where` is phase::connect or phase::listen. Nobody
/// listens at a name that does not exist, and a listener whose queue is full refuses: Linux says
/// EAGAIN then, and a socket that waited for it would never become writable.
[[nodiscard]] error translate_local(int native, phase where) noexcept;

/// Binds and listens at `settings.path`. The file of a socket where nobody listens any more is
/// replaced; where somebody does, and where the file is no socket, it is address_in_use. Finding
/// out means connecting to it: a living listener sees one connection that ends at once.
[[nodiscard]] result<native_handle> open_local_listener(const listen_settings& settings);

/// The name that a listener has taken, and its file, if there is one.
class local_name {
public:
    /// "*" makes a directory for the file: <dir>/tmpXXXXXX, where <dir> is the first directory of
    /// TMPDIR, TEMPDIR and TMP, else the current one.
    [[nodiscard]] static result<std::unique_ptr<local_name>> choose(const std::string& wanted);
    /// As end().
    ~local_name();
    local_name(const local_name&) = delete;
    local_name& operator=(const local_name&) = delete;

    /// What to bind to. Never changes.
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// A socket has been bound: remembers which file is ours.
    void taken() noexcept;
    /// Removes the file, if it is still ours. Comes before the socket is closed: as long as it is
    /// open, no other file has the number of its inode.
    void give_back() noexcept;
    /// Gives the name back, and removes the directory that was made for it.
    void end() noexcept;

private:
    local_name() = default;

    std::string path_;
    std::string file_; ///< the path, independent of the current directory; empty if abstract
    std::string directory_; ///< the one that was made; or empty
    std::uint64_t device_ = 0;
    std::uint64_t inode_ = 0;
    std::int64_t process_ = 0; ///< a fork's copy of a listener must not remove the parent's file
    bool taken_ = false;
};

} // namespace slk::io::os

#endif
