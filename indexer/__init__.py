"""Indexes and queries: BM25 over sentences, CLIP and Faiss over images, documents by id."""
