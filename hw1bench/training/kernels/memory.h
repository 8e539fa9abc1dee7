// The layout of a kernel's arrays in one block of memory.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

constexpr std::size_t ALIGNMENT = 64;  // bytes, of every array

template <class N> constexpr N round_up(N n, N unit) { return (n + unit - 1) / unit * unit; }

// Allocates arrays from one block of memory. Without memory it only counts the bytes, so that the same code first
// measures the memory and then allocates it.
class Arena {
    char* base;
    std::size_t used = 0;

  public:
    explicit Arena(void* base) : base(static_cast<char*>(base)) {}

    template <class A> A* take(std::size_t count) {
        used = round_up(used, ALIGNMENT);
        A* found = base ? reinterpret_cast<A*>(base + used) : nullptr;
        used += count * sizeof(A);
        return found;
    }

    bool only_counts() const { return !base; }
    std::size_t size() const { return round_up(used, ALIGNMENT); }
};

// A block of memory, initially zero. `take` takes the arrays from an arena; it is called twice.
class Storage {
    std::vector<unsigned char> bytes;

  public:
    template <class Take> explicit Storage(Take&& take) {
        Arena counting(nullptr);
        take(counting);
        bytes.resize(counting.size() + ALIGNMENT);
        Arena arena(reinterpret_cast<void*>(round_up(reinterpret_cast<std::size_t>(bytes.data()), ALIGNMENT)));
        take(arena);
    }
};

}  // namespace
