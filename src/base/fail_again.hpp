// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_FAIL_AGAIN_HPP
#define SLK_BASE_FAIL_AGAIN_HPP

/// How a function that every message passes hands on the error of another one.

#include <serverlink/result.hpp>

namespace slk {

/// As fail(). Out of line, so that the fields of an error are read only where there is one: a
/// processor that reads them where one byte has just been written waits until that is in its cache.
[[nodiscard, gnu::noinline, gnu::cold]] inline unexpected fail_again(const error& failure)
{
    return fail(failure);
}

} // namespace slk

#endif
