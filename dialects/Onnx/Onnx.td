//===- Onnx.td - the onnx dialect -----------------------------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_ONNX_TD
#define SINTER_ONNX_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Onnx_Dialect : Dialect {
  let name = "onnx";
  let cppNamespace = "::sinter::onnx";
  let summary = "an ONNX file as it is";
  let description = [{
    One operation a node, whatever its operator, so that every model imports; what cannot be compiled is refused
    later, by name. Names are kept, as locations and as attributes. The bytes of tensors stay in the file: an
    attribute `#onnx.data` names a range of it, and the dialect maps the file when somebody reads them.

    Attributes of a module: `onnx.opset` (a dictionary from domain to version, with ONNX's own as `ai.onnx`), `onnx.producer`, `onnx.ir_version`.
    Attributes of the arguments and results of `@main`: `onnx.name`, and `onnx.dims`, an array with an i64 for a fixed
    size, a string for a named one and "" for one that the file leaves open. Results have `onnx.type`, the element
    type that the file declares.

    Element types: signed integers are signless (`i8`), unsigned ones are `ui8`, bool is `i1`.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let hasNonDefaultDestructor = 1;
  let extraClassDeclaration = [{
    /// The little-endian elements behind `data`: bool is a byte an element, types under 8 bits are packed from the low
    /// bits up. `raw` data point into the mapped file, others into a buffer that the dialect keeps until
    /// `release`. Fails where the file is missing, shorter than it was, or not as the encoding says. Thread-safe.
    ::llvm::Expected<::llvm::ArrayRef<char>> read(DataAttr data);

    /// The whole file at `path`, mapped; the same mapping as `read` uses.
    ::llvm::Expected<::llvm::ArrayRef<char>> map(::llvm::StringRef path);

    /// Says that nobody needs what `read(data)` gave for now: mapped pages leave memory, and come back when touched;
    /// a decoded buffer is freed, so earlier results are invalid. Thread-safe.
    void release(DataAttr data);

  private:
    std::unique_ptr<FileCache> files;

  public:
  }];
}

class Onnx_Op<string mnemonic, list<Trait> traits = []> : Op<Onnx_Dialect, mnemonic, traits>;
class Onnx_Type<string name, string mnemonic_, list<Trait> traits = []> : TypeDef<Onnx_Dialect, name, traits> { let mnemonic = mnemonic_; }
class Onnx_Attr<string name, string mnemonic_, list<Trait> traits = []> : AttrDef<Onnx_Dialect, name, traits> { let mnemonic = mnemonic_; }

//===----------------------------------------------------------------------===//
// Types and attributes
//===----------------------------------------------------------------------===//

def Onnx_UnknownType : Onnx_Type<"Unknown", "unknown"> {
  let summary = "the type of a value before shape inference";
}

def Onnx_Encoding : I32Enum<"Encoding", "how elements are written in the file", [
  I32EnumCase<"raw", 0>,
  I32EnumCase<"varint8", 1>, I32EnumCase<"varint16", 2>, I32EnumCase<"varint32", 3>, I32EnumCase<"varint64", 4>,
  I32EnumCase<"fields8", 5>, I32EnumCase<"fields16", 6>, I32EnumCase<"fields32", 7>, I32EnumCase<"fields64", 8>]> {
  let cppNamespace = "::sinter::onnx";
}

def Onnx_DataAttr : Onnx_Attr<"Data", "data"> {
  let summary = "bytes of a file";
  let description = [{
    `size` bytes at `offset` of the file at `path`. Encodings:
    - `raw`: little-endian elements, as they are in memory;
    - `varintN`: a packed protobuf field: varints, each one element of N bits;
    - `fieldsN`: a stretch of a protobuf message with several occurrences of one field (the first in the stretch says which),
      packed or not, and others between them, which are not ours.

    ```mlir
    #onnx.data<"model.onnx", 4096, 16384>
    #onnx.data<"model.onnx", 64, 70, varint64>
    ```
  }];
  let parameters = (ins StringRefParameter<"the file">:$path, "uint64_t":$offset, "uint64_t":$size,
                    "Encoding":$encoding);
  let hasCustomAssemblyFormat = 1;
}

def Onnx_TensorAttr : Onnx_Attr<"Tensor", "tensor"> {
  let summary = "a tensor in a file, as the value of a node's attribute";
  let parameters = (ins "DataAttr":$data, "::mlir::RankedTensorType":$type);
  let assemblyFormat = "`<` $data `,` $type `>`";
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

def Onnx_InitializerOp : Onnx_Op<"initializer", [Pure, DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "a tensor of the file";
  let description = [{
    ```mlir
    %0 = onnx.initializer <"model.onnx", 128, 16384> {name = "fc.weight"} : tensor<64x64xf32>
    ```
  }];
  let arguments = (ins Onnx_DataAttr:$data, OptionalAttr<StrAttr>:$name);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$data attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Onnx_ConstantOp : Onnx_Op<"constant", [Pure, ConstantLike, AllTypesMatch<["value", "result"]>,
                                           DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "a tensor of at most 64 elements";
  let description = [{
    Small tensors are attributes, so that the arithmetic of shapes can be read.

    ```mlir
    %0 = onnx.constant dense<[0, -1]> : tensor<2xi64> {name = "shape"}
    ```
  }];
  let arguments = (ins ElementsAttr:$value, OptionalAttr<StrAttr>:$name);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$value attr-dict";
  let hasFolder = 1;
}

def Onnx_NoneOp : Onnx_Op<"none", [Pure, DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "an optional input that is not there";
  let results = (outs NoneType:$result);
  let assemblyFormat = "attr-dict";
  let builders = [OpBuilder<(ins), [{ $_state.addTypes($_builder.getNoneType()); }]>];
}

def Onnx_NodeOp : Onnx_Op<"node", [DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>,
                                   DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "a node";
  let description = [{
    `since` is the version of the node's domain that the model imports, `attributes` (`getAttrs()` in C++) are the node's own: integers are i64,
    floats f32, lists of them dense arrays, tensors `dense` or `#onnx.tensor`. `output_names` has a name a result, "" for one
    that the file leaves out. Attributes that are graphs are regions, named in order by `region_names`; they see the values outside.

    ```mlir
    %0 = onnx.node "Softmax"(%x) {attributes = {axis = -1 : i64}, name = "/enc/Softmax", since = 17} : (!onnx.unknown) -> !onnx.unknown
    %1 = onnx.node "If"(%c) {region_names = ["then_branch", "else_branch"], since = 17} : (tensor<i1>) -> !onnx.unknown regions {
      onnx.yield %x : !onnx.unknown
    }, {
      onnx.yield %0 : !onnx.unknown
    }
    ```
  }];
  let arguments = (ins StrAttr:$op_type, Variadic<AnyType>:$inputs, DefaultValuedStrAttr<StrAttr, "">:$domain, I64Attr:$since,
                   OptionalAttr<StrAttr>:$name, DictionaryAttr:$attrs,
                   OptionalAttr<StrArrayAttr>:$region_names, OptionalAttr<StrArrayAttr>:$output_names);
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region VariadicRegion<SizedRegion<1>>:$bodies);
  let hasCustomAssemblyFormat = 1; // for the name `attributes`, which ODS keeps for itself
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Whether this is the operator `type` of ONNX's own domain, or of `domain`.
    bool isOp(::llvm::StringRef type) { return isOp("", type); }
    bool isOp(::llvm::StringRef domain, ::llvm::StringRef type) { return getOpType() == type && getDomain() == domain; }

    /// A node's attribute; the default also where it has another type.
    ::mlir::Attribute getAttribute(::llvm::StringRef name) { return getAttrs().get(name); }
    int64_t getInt(::llvm::StringRef name, int64_t defaultValue);
    double getFloat(::llvm::StringRef name, double defaultValue);
    ::llvm::StringRef getString(::llvm::StringRef name, ::llvm::StringRef defaultValue = "");
    /// Nothing where the attribute is absent or no list of integers.
    std::optional<::llvm::ArrayRef<int64_t>> getInts(::llvm::StringRef name);
    std::optional<::llvm::ArrayRef<float>> getFloats(::llvm::StringRef name);

    /// Input `index`, or null where the node has none: fewer inputs, or `onnx.none`.
    ::mlir::Value getInputOrNull(unsigned index);
    /// Whether output `index` exists and has a use.
    bool hasUsedOutput(unsigned index) { return index < getNumResults() && !getResult(index).use_empty(); }
    ::llvm::StringRef getOutputName(unsigned index);
    /// The region for the graph attribute `name`, or null.
    ::mlir::Region *getBody(::llvm::StringRef name);
    /// Operator and name for a message: `MatMul "/enc/MatMul"`, `com.microsoft.Gelu`.
    std::string describe();
  }];
}

def Onnx_YieldOp : Onnx_Op<"yield", [Pure, Terminator, ReturnLike, HasParent<"NodeOp">]> {
  let summary = "the outputs of a node's graph attribute";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

#endif // SINTER_ONNX_TD
