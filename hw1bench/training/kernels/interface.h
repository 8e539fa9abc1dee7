// The interface of the kernels with Python: descriptions of their structures, and the frame of a call.

#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

// A member of a structure or, with an empty name, the structure itself. Python mirrors the structures, and compares its
// mirrors with these descriptions when it loads the library.
extern "C" {
struct Member {
    const char *structure, *name;
    char kind;  // 'p' pointer, 'f' floating point, 'i' integer, 's' structure
    int32_t offset, size;
};
}

template <class M> constexpr char KIND = std::is_pointer_v<M> ? 'p' : std::is_floating_point_v<M> ? 'f' : 'i';

#define STRUCTURE(S) {#S, "", 's', 0, int32_t(sizeof(S))}
#define MEMBER(S, m) {#S, #m, KIND<decltype(S::m)>, int32_t(offsetof(S, m)), int32_t(sizeof(S::m))}
#define NO_MORE_MEMBERS {nullptr, nullptr, 's', 0, 0}

namespace {

// Treats denormal numbers as zero in this thread during its lifetime. The moments of a dead unit decay into denormal
// numbers, which make some processors a hundred times slower.
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

// Runs f as the body of a call from Python. Returns 0, or 1 if memory runs out.
template <class F> int status_of(F&& f) {
    try {
        FlushDenormals scope;
        f();
        return 0;
    } catch (const std::bad_alloc&) {
        return 1;
    }
}

}  // namespace
