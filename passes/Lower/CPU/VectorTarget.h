//===- VectorTarget.h - what an instruction set gives linears --*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_LOWER_CPU_VECTORTARGET_H
#define SINTER_PASSES_LOWER_CPU_VECTORTARGET_H

#include "dialects/Kern/Kern.h"
#include "passes/Lower/CPU/Code.h"

namespace sinter::lower {

/// The primitives that kernels of packed weights are made of. Another instruction set is another set of these.
class VectorTarget {
public:
  explicit VectorTarget(kern::TargetAttr target);

  /// f32 or i32 lanes of a register.
  int64_t lanes() const { return width; }

  /// acc[i] + sum over j < 4 of codes[4i + j] (unsigned, of `bits` bits) * values[4i + j] (signed), exactly. `codes`
  /// and `values` are i8 [4 * lanes], `acc` i32 [lanes].
  mlir::Value dot4(Code &code, mlir::Value acc, mlir::Value codes, mlir::Value values, unsigned bits) const;

  /// The low and the high four bits of each byte.
  std::pair<mlir::Value, mlir::Value> nibbles(Code &code, mlir::Value bytes) const;

  /// `lanes` floats of `type` from bytes at `at`, as f32.
  mlir::Value loadFloats(Code &code, mlir::FloatType type, mlir::Value bytes, mlir::Value at, int64_t alignment) const;

  /// How `difference` takes zero points away.
  struct Zeros {
    enum Kind { Table, Biased, Float } kind;
    mlir::Value value; ///< f32: what each code gives; 2^23 + zero point; zero point
  };
  /// A zero point for all lanes.
  Zeros constantZeros(Code &code, int64_t zero, unsigned bits) const;
  /// A zero point a lane, i32 in the range of codes.
  Zeros integerZeros(Code &code, mlir::Value zeros) const;

  /// (code - zero point) as f32, exactly where zero points are integers; the code is the `bits` bits of each i32 of
  /// `words` from `shift` on.
  mlir::Value difference(Code &code, mlir::Value words, int64_t shift, unsigned bits, Zeros zeros) const;

private:
  enum class Dot { Vnni512, Vnni256, Words512, Words256 };
  int64_t width;
  Dot dot;
};

} // namespace sinter::lower

#endif // SINTER_PASSES_LOWER_CPU_VECTORTARGET_H
