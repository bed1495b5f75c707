// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_HTTP_PAGE_FILES_HPP
#define SLK_HTTP_PAGE_FILES_HPP

/// The files of src/http/page, which embed.py makes a part of the library.

#include <span>
#include <string_view>

namespace slk::http {

struct page_file {
    std::string_view path;
    std::string_view type;
    std::string_view content;
};

[[nodiscard]] std::span<const page_file> page_files() noexcept;

} // namespace slk::http

#endif
