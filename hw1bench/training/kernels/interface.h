// What the kernels share in speaking with Python: the account of their structures, and how a call is entered.

#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

// A member of a structure or, with an empty name, the structure itself. Python mirrors the structures, and compares its
// own with these when it loads the library.
extern "C" {
struct Member {
    const char *structure, *name;
    char kind;  // of a member: 'p' pointer, 'f' floating point, 'i' integer; 's' structure
    int32_t offset, size;
};
}

template <class M> constexpr char KIND = std::is_pointer_v<M> ? 'p' : std::is_floating_point_v<M> ? 'f' : 'i';

#define STRUCTURE(S) {#S, "", 's', 0, int32_t(sizeof(S))}
#define MEMBER(S, m) {#S, #m, KIND<decltype(S::m)>, int32_t(offsetof(S, m)), int32_t(sizeof(S::m))}
#define NO_MORE_MEMBERS {nullptr, nullptr, 's', 0, 0}

namespace {

// Moments of a dead unit decay into denormal numbers, on which some processors are a hundred times slower. While this
// lives, they count as zero in this thread.
class FlushDenormals {
#if defined(__SSE2__)
    unsigned saved = _mm_getcsr();

  public:
    FlushDenormals() { _mm_setcsr(saved | 0x8040); }
    ~FlushDenormals() { _mm_setcsr(saved); }
#else
  public:
    FlushDenormals() {}
#endif
};

// Runs f as the body of a call from Python. Returns 0, or 1 if memory ran out.
template <class F> int entered(F&& f) {
    try {
        FlushDenormals scope;
        f();
        return 0;
    } catch (const std::bad_alloc&) {
        return 1;
    }
}

}  // namespace
