-- A book as the release before ledger/004_append.sql left it, written by that release itself and dumped: nine events in
-- four blocks, several streams and currencies, wei, texts beyond ASCII, absent and empty fields, an earlier effective time.
-- Never to be regenerated: these are the bytes that every later version must still prove.

update ledger.books set position = 9, block = 4, head = '\xa951539fc7a7ee795785f6554983fc35f1503ad1dc439a60683671a2b5a9a3c2', sealed_at = '2026-11-20 22:06:18.289095+00' where book = 1;

insert into ledger.balances values (1, 'stripe:platform', 'USD', 10000, 0);
insert into ledger.balances values (1, 'stripe:platform', 'JPY', 700, 0);
insert into ledger.balances values (1, 'funds:unallocated', 'JPY', -700, -1);
insert into ledger.balances values (1, 'funds:unallocated', 'USD', 0, -1);
insert into ledger.balances values (1, 'revenue:commission', 'USD', -600, 0);
insert into ledger.balances values (1, 'chain:1:escrow', 'ETH@1', 1237940039285380274899124224, 1);
insert into ledger.balances values (1, 'seller:anna:available', 'USD', -5400, -1);
insert into ledger.balances values (1, 'funds:unallocated', 'ETH@1', -1237940039285380274899124224, -1);
insert into ledger.balances values (1, 'refunds:payable', 'USD', -4000, -1);
insert into ledger.balances values (1, 'escrow:held', 'USD', 0, -1);
insert into ledger.blocks values (1, 1, 1, 3, '2026-11-20 22:06:18.28139+00', '\x0000000000000000000000000000000000000000000000000000000000000000', '\x92700227a29ebd110c9dc049af670682f43582d508a60091806efaa29ec8dc0c');
insert into ledger.blocks values (1, 2, 4, 5, '2026-11-20 22:06:18.286581+00', '\x92700227a29ebd110c9dc049af670682f43582d508a60091806efaa29ec8dc0c', '\x279860006327487ac3d863be9607d1fac1cd998933f06e778b070a561e7cdd4c');
insert into ledger.blocks values (1, 3, 6, 8, '2026-11-20 22:06:18.287845+00', '\x279860006327487ac3d863be9607d1fac1cd998933f06e778b070a561e7cdd4c', '\xb60686c8a8e3278a45650d4bf68ca1c1202789177a0dab1326f4b1c4bc3f5f5c');
insert into ledger.blocks values (1, 4, 9, 9, '2026-11-20 22:06:18.289095+00', '\xb60686c8a8e3278a45650d4bf68ca1c1202789177a0dab1326f4b1c4bc3f5f5c', '\xa951539fc7a7ee795785f6554983fc35f1503ad1dc439a60683671a2b5a9a3c2');
insert into ledger.events values (1, 1, 'payment-00000000-0000-0000-0000-000000000001', 1, 'PaymentRequested', 1, '2026-11-20 22:06:18.28139+00', '2026-11-02 12:00:00.000007+00', 'o-1', null, 'shop', null, '{}', '{}', '{}', '{"order_id": "o-1", "amount_minor": 10000}', '\x928b7d59a58d4d604a5c16232e779398a85910bde1151edad21ade912ef56b98');
insert into ledger.events values (1, 2, 'payment-00000000-0000-0000-0000-000000000001', 2, 'PaymentCaptured', 1, '2026-11-20 22:06:18.28139+00', '2026-11-02 12:00:00.000007+00', 'o-1', null, 'shop', null, '{stripe:platform,funds:unallocated}', '{USD,USD}', '{10000,-10000}', '{"charge":"ch_1"}', '\xdbb3f2406af53c0fbeeffa612899e54df68485630485aea4b589170e05db2dc3');
insert into ledger.events values (1, 3, 'payment-00000000-0000-0000-0000-000000000002', 1, 'PaymentCaptured', 1, '2026-11-20 22:06:18.28139+00', '2025-09-28 12:00:00.000007+00', 'o-2', '', 'shöp', 'Übertrag', '{stripe:platform,funds:unallocated}', '{JPY,JPY}', '{700,-700}', '{"note": "käse & 寿司 \u20ac", "amount": 1.50}', '\x9b3874206574b182937a27f8ea1b97102cbfb96a10adbcd1040a921624718e04');
insert into ledger.events values (1, 4, 'payment-00000000-0000-0000-0000-000000000001', 3, 'FundsAllocated', 1, '2026-11-20 22:06:18.286581+00', '2026-11-02 12:00:00.000007+00', 'o-1', '1-2', 'escrow', null, '{}', '{}', '{}', '{}', '\xbdcb323ebe5720088eea27c165fc298d36b2070b6a52c2421c9dc16a8292c741');
insert into ledger.events values (1, 5, 'escrow-00000000-0000-0000-0000-000000000003', 1, 'FundsHeld', 1, '2026-11-20 22:06:18.286581+00', '2026-11-02 12:00:00.000007+00', 'o-1', '1-2', 'escrow', null, '{funds:unallocated,escrow:held}', '{USD,USD}', '{10000,-10000}', '{"allocations": [
  {"seller": "anna"}, {"seller": "bert"}]}', '\x114f38bfdd1076e6b40ea59adef082f20cbdf2b804ceb70e719c4bf00bcd7aac');
insert into ledger.events values (1, 6, 'escrow-00000000-0000-0000-0000-000000000003', 2, 'AllocationReleased', 2, '2026-11-20 22:06:18.287845+00', '2026-11-05 12:00:00.000007+00', 'o-1', null, 'escrow', null, '{escrow:held,seller:anna:available,revenue:commission}', '{USD,USD,USD}', '{6000,-5400,-600}', '{"seller":"anna"}', '\x378a519a583b5d26211d61d3d067191038fbfa177bbd6b582021a70d2609e140');
insert into ledger.events values (1, 7, 'payment-00000000-0000-0000-0000-000000000004', 1, 'DepositFinalized', 1, '2026-11-20 22:06:18.287845+00', '2026-11-02 12:00:00.000007+00', null, null, 'chain', '', '{chain:1:escrow,funds:unallocated}', '{ETH@1,ETH@1}', '{1237940039285380274899124224,-1237940039285380274899124224}', '{"wei": "1237940039285380274899124224"}', '\xb2cd53aa1ed278ae8ec3b1f170e7c16563d2d9751a0c52d0a8cf31605091fe5b');
insert into ledger.events values (1, 8, 'setting-00000000-0000-0000-0000-000000000005', 1, 'SettingChanged', 1, '2026-11-20 22:06:18.287845+00', '2026-11-02 12:00:00.000007+00', null, null, 'operator', null, '{}', '{}', '{}', '[]', '\xd7152cf6902ec39cae18ce27d35147f5bfb2913327a8567319b49d8e9b67e486');
insert into ledger.events values (1, 9, 'escrow-00000000-0000-0000-0000-000000000003', 3, 'EscrowRefunded', 1, '2026-11-20 22:06:18.289095+00', '2026-11-06 12:00:00.000007+00', 'o-1', null, 'escrow', null, '{escrow:held,refunds:payable}', '{USD,USD}', '{4000,-4000}', '{}', '\x8083ba2acbb2e80bb21211831918385f91289476f84ffb0cd52808838fcc4cc5');
insert into ledger.keys values (1, 'order.placed/o-1', '\x7bcabb26043e26daa904d8efa4fdeac84f7be4d0839e1805440ad9fcf3356d1c', 1, 2);
insert into ledger.keys values (1, 'order.placed/o-2', '\x166f91aad8f1e110504dd21e3221d09511a98928c3af772597cada6019d9f5e9', 3, 3);
insert into ledger.keys values (1, '1-2', '\x412a4789b02cad19bacb029f5c8ec8e9b115375d82b97df1d6b15997a8e70e01', 4, 5);
insert into ledger.keys values (1, 'chain/1/0xabc/0', '\x5698599cf910e36e688275c878740e8e9a9d132a0b3932e3d238396f1e1a4d05', 7, 7);
