declare module "kafkajs-snappy" {
  const codec: () => {
    compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
    decompress(bytes: Buffer): Promise<Buffer>;
  };
  export default codec;
}

declare module "kafkajs/src/network/requestQueue/index.js" {
  const RequestQueue: { readonly prototype: import("./request-queue.ts").RequestQueue };
  export default RequestQueue;
}

declare module "kafkajs/src/consumer/offsetManager/index.js" {
  const OffsetManager: { readonly prototype: import("./out-of-range.ts").OffsetManager };
  export default OffsetManager;
}
